"""The load scenarios, run as their readers run them: real Locust processes against a real lab.

Locust patches the standard library on import, so nothing here imports it or a locustfile.
"""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil
import pytest

from tests.labs import ROOT
from tests.services import free_port, tie_to_parent, wait_until
from tests.test_load_commands import commands

RUN_S = 60  # after which a run is taken for stuck


@contextlib.contextmanager
def locust(scenario, *options):
    """A Locust process; it and the workers it forked are gone when the block ends."""
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("LOCUST_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "locust", "-f", f"locustfiles/{scenario}.py", *options],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=tie_to_parent(),
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own session: itself and its workers
        process.wait()
        process.stdout.close()
        process.stderr.close()


class Run:
    """What a run that has ended says: `status`, `rows` by request name, and its `log`."""

    def __init__(self, process):
        output, self.log = process.communicate(timeout=RUN_S)
        self.status = process.returncode
        self.rows = {row["name"]: row for row in last_array(output)}

    @property
    def failed(self):
        return {name: row["num_failures"] for name, row in self.rows.items() if row["num_failures"]}

    @property
    def counts(self):
        return {name: row["num_requests"] for name, row in self.rows.items()}


def last_array(output):
    """The last JSON array; each worker of --processes prints an empty one before it."""
    found = []
    while output := output.strip():
        found, end = json.JSONDecoder().raw_decode(output)
        output = output[end:]
    return found


def run(scenario, *options):
    with locust(scenario, "--headless", "--json", "--only-summary", *options) as process:
        return Run(process)


def load(lab, *more, users=4, seconds=3, rows=10):
    """The options of a short run with small pages, so that every page gets its turn."""
    options = f"--host {lab.url} -u {users} -r {users} -t {seconds}s --movies {rows}"
    return [*options.split(), *more]


def slugs(lab):
    return {e["slug"] for e in json.loads(lab.get("/experiments.json").text)["experiments"]}


def listening(process):
    """The addresses on which a process accepts connections."""
    connections = psutil.Process(process.pid).net_connections("inet")
    return {c.laddr for c in connections if c.status == psutil.CONN_LISTEN}


def test_the_commands_in_the_docs_name_real_scenarios_and_options():
    docs = (ROOT / "docs/load.md").read_text()
    found = re.findall(r"^\.venv/bin/locust -f locustfiles/(\w+)\.py (.+)$", docs, re.MULTILINE)
    names = ["slow", "fast", "duel", "browse", "steps", "spike", "soak", "stampede"]
    assert {name for name, _ in found} == set(names)

    with contextlib.ExitStack() as started:  # --list ends a run once its options are understood
        lists = [
            (name, started.enter_context(locust(name, *shlex.split(options), "--list")))
            for name, options in found
        ]
        ends = [(name, process.communicate(timeout=RUN_S), process) for name, process in lists]

    for name, (output, log), process in ends:
        assert process.returncode == 0, f"{name}: {log}"
        assert output.startswith("Available Users:")


# A lab of whose pages only one is whole. -------------------------------------------------------

MEASURED = {"Server-Timing": "total;dur=1.5"}
PAGES = {  # slug: status, headers, body of a page on which three rows are due
    "whole": (200, {"Server-Timing": "total;dur=1.5"}, "<h1>Films</h1>" + 3 * "<li>A film</li>"),
    "one-row-short": (200, {"Server-Timing": "total;dur=1.5"}, "<h1>Films</h1>" + 2 * "<li>A</li>"),
    "error-page": (200, {"Server-Timing": "total;dur=1.5"}, "<h1>Something broke in the lab</h1>"),
    "empty": (200, {"Server-Timing": "total;dur=1.5"}, ""),
    "unmeasured": (200, {}, "<h1>Films</h1>" + 3 * "<li>A film</li>"),
    "elsewhere": (302, {"Location": "/experiments/whole/fast/"}, ""),
    "server-error": (500, {"Server-Timing": "total;dur=1.5"}, "<h1>Films</h1>" + 3 * "<li>A</li>"),
    "whole-json": (200, MEASURED, '{"movies": [{"id": 1}, {"id": 2}, {"id": 3}]}'),
    "short-json": (200, MEASURED, '{"movies": [{"id": 1}, {"id": 2}], "title": "Films"}'),
    "page-for-json": (200, MEASURED, "<h1>Films</h1>" + 3 * "<li>A film</li>"),
    "whole-lines": (200, MEASURED, "A\nB\nC\n"),
    "short-lines": (200, MEASURED, "A\nB\n"),
    "page-for-lines": (200, MEASURED, "<h1>Films</h1>\n<p>\nThree\nfilms.\n</p>"),
}
WHOLE = {"whole", "whole-json", "whole-lines"}


class BrokenLab(BaseHTTPRequestHandler):
    """Has a right catalogue and the pages above."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        slug = self.path.split("?")[0].strip("/").split("/")[1:2]
        if self.path == "/experiments.json":
            status, headers, body = 200, {}, json.dumps(self.catalogue())
        else:
            status, headers, body = PAGES[slug[0]]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def catalogue(self):
        def variants(slug):
            kind = slug.rpartition("-")[2]
            body = {"body": kind} if kind in ("json", "lines") else {}
            return [
                {"name": name, "url": f"/experiments/{slug}/{name}/", **body}
                for name in ("slow", "fast")
            ]

        experiments = [
            {"slug": s, "url": f"/experiments/{s}/", "variants": variants(s)} for s in PAGES
        ]
        return {"knobs": {"movies": {"default": 3}}, "experiments": experiments}

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def broken_lab():
    server = ThreadingHTTPServer(("127.0.0.1", 0), BrokenLab)
    server.requests = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


# The scenarios. --------------------------------------------------------------------------------


def test_slow_and_fast_load_every_experiment_under_the_same_names(lab):
    headless = ("--headless", "--json", "--only-summary", *load(lab))

    with locust("slow", *headless) as one, locust("fast", *headless) as other:
        slow, fast = Run(one), Run(other)

    assert slow.counts.keys() == fast.counts.keys() == slugs(lab)
    assert not slow.failed
    assert not fast.failed
    assert slow.status == fast.status == 0


def test_the_duel_on_an_experiments_page_runs_as_it_stands(lab):
    command = commands(lab, ".venv/bin/locust")[0].replace("--run-time 20s", "--run-time 3s")
    program, dash_f, path, *options = shlex.split(command)
    assert (program, dash_f, path) == (".venv/bin/locust", "-f", "locustfiles/duel.py")

    duel = run("duel", *options, "--json")

    assert duel.status == 0, duel.log
    assert duel.counts.keys() == {"n-plus-one slow", "n-plus-one fast"}
    assert not duel.failed


def test_a_duel_takes_both_variants_of_every_experiment_in_turn(lab):
    duel = run("duel", *load(lab, seconds=10))

    assert duel.status == 0, duel.log
    assert duel.counts.keys() == {
        f"{s} {variant}" for s in slugs(lab) for variant in ("slow", "fast")
    }
    assert not duel.failed
    for slug in slugs(lab):  # each user may be between two variants when the time is up
        assert abs(duel.counts[f"{slug} slow"] - duel.counts[f"{slug} fast"]) <= 4


def test_visitors_find_their_way_by_the_links_in_the_pages(lab):
    visits = run("browse", *load(lab, "--think-time", "0.05", users=6, seconds=5))

    assert visits.counts.keys() == {
        *("/", "/experiments/[slug]/", "/experiments/[slug]/[variant]/"),
        *("/films/", "/films/?page=", "/films/?q=", "/films/[id]/", "/directors/[id]/"),
    }
    assert not visits.failed
    assert visits.status == 0


def test_scenarios_run_over_several_processes_that_meet_on_loopback(lab):
    port = free_port()
    meet = ("--processes", "2", "--master-bind-port", f"{port}", "--master-port", f"{port}")

    with locust("slow", "--headless", "--json", *load(lab, *meet)) as process:
        wait_until(lambda: listening(process), "the master to listen")
        addresses = listening(process)
        slow = Run(process)

    assert addresses == {("127.0.0.1", port)}
    assert slow.status == 0, slow.log
    assert slow.counts.keys() == slugs(lab)
    assert not slow.failed


def test_steps_stop_by_themselves_and_tell_the_load(lab):
    page = (
        "--experiment",
        "n-plus-one",
        "--variant",
        "slow",
        "--movies",
        "10",
        "--round-trip",
        "5",
    )
    steps = ("--step-users", "4", "--step-time", "1", "--users", "200")

    climb = run("steps", "--host", lab.url, *page, *steps)

    line = climb.log.splitlines()[-1]
    found = re.fullmatch(
        r"The lab gives in at (\d+) users \(([\d.]+) requests/s, p95 (\d+) ms, 0.0% failures\); "
        r"it began with 4 users \(([\d.]+) requests/s, p95 (\d+) ms, 0.0% failures\).",
        line,
    )
    assert found, climb.log
    users, rate, p95, first_rate, first_p95 = map(float, found.groups())
    assert 4 < users < 200
    assert users % 4 == 0
    assert p95 > 4 * first_p95
    assert rate > 0
    assert first_rate > 0
    assert set(climb.counts) == {"n-plus-one"}
    assert climb.status == 0


def test_steps_end_at_the_ceiling_when_the_lab_holds(lab):
    page = ("--experiment", "cache-page", "--movies", "10")
    steps = ("--step-users", "1", "--step-time", "1", "--users", "2")

    climb = run("steps", "--host", lab.url, *page, *steps)

    assert "The lab still holds at the ceiling, 2 users (" in climb.log.splitlines()[-1]
    assert climb.status == 0


def test_a_spike_is_compared_with_the_calm_before_and_after_it(lab):
    page = ("--experiment", "n-plus-one", "--movies", "10", "--variant", "slow")

    spike = run("spike", "--host", lab.url, *page, "--users", "20", "--length", "6")

    served = r"\(([\d.]+) requests/s, p95 (\d+) ms, 0.0% failures\)"
    parts = (
        rf"Calm, 2 users {served}; the spike, 20 users {served}; "
        rf"after it, with the queue that it left, 2 users {served}\. It"
    )
    found = re.match(parts, spike.log.splitlines()[-1])
    assert found, spike.log
    calm_p95, spike_p95 = map(int, found.group(2, 4))
    assert spike_p95 > 2 * calm_p95
    assert spike.status == 0


def test_a_stampede_tells_who_computed_the_page_from_who_found_it(lab):
    stampede = run("stampede", *load(lab, "--turn-time", "1", seconds=5))

    assert stampede.status == 0, stampede.log
    assert stampede.counts.keys() == {
        f"{variant}, {how}"
        for variant in ("plain", "locked", "stale")
        for how in ("computed", "from the cache")
    }
    assert not stampede.failed
    assert stampede.counts["stale, computed"] < stampede.counts["stale, from the cache"]


# What is no whole page, and what must not be loaded. -------------------------------------------


@pytest.fixture(scope="module")
def broken_run(broken_lab):
    """A short run of fast.py against the broken lab with every knob turned, and its requests."""
    knobs = ("--movies", "3", "--round-trip", "2.5", "--cache", "locmem")
    before = len(broken_lab.requests)
    fast = run("fast", "--host", broken_lab.url, "-u", "2", "-r", "2", "-t", "2s", *knobs)
    fast.requests = broken_lab.requests[before:]
    return fast


def test_a_page_that_is_not_whole_is_a_failure_whatever_its_status(broken_run):
    assert broken_run.status == 1
    assert broken_run.counts.keys() == PAGES.keys()
    assert broken_run.failed == {
        slug: n for slug, n in broken_run.counts.items() if slug not in WHOLE
    }
    for reason in (
        "2 rows on a page of 3: Films",
        "0 rows on a page of 3: Something broke in the lab",
        "headed 'a page without a heading'",
        "no Server-Timing on: Films",
        "status 302",
        "status 500: Films",
        "2 rows on a page of 3: an answer of json",
        "no rows on a page of 3: Films",
        "2 rows on a page of 3: an answer of lines",
    ):
        assert reason in broken_run.log


def test_requests_carry_the_knobs_and_do_not_look_like_a_browsers(broken_run):
    pages = [request for request in broken_run.requests if "/fast/" in request[0]]

    assert len(pages) >= len(PAGES)
    for path, headers in pages:
        assert path.partition("?")[2] == "movies=3&round_trip=2.5&cache=locmem"
        assert not [name for name in headers if name.startswith("sec-") or name == "cookie"]
        assert "html" not in headers.get("accept", "")


def test_steps_stop_at_failures(broken_lab):
    page = ("--experiment", "server-error", "--step-time", "1")

    climb = run("steps", "--host", broken_lab.url, *page)

    assert re.match(r"The lab gives in at 2 users .*100.0% failures", climb.log.splitlines()[-1])
    assert climb.status == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--host", "http://192.0.2.1"], "http://192.0.2.1 is not on this machine"),
        (["--host", "http://192.0.2.1", "--processes", "2"], "is not on this machine"),
        (["--host", "http://127.0.0.1:1"], "no lab answers at http://127.0.0.1:1"),
        (["--users", "0"], "0 users ask for nothing: there must be 1 or more"),
        (["--users", "501"], "501 users are too many: the ceiling is 500"),
        (["--movies", "many"], "movies must be a whole number from 1 to 5,000, not 'many'."),
        (["--experiment", "n+1"], "there is no experiment 'n+1', only n-plus-one, "),
    ],
    ids=[
        "somebody's site",
        "and with workers",
        "a lab that is down",
        "nobody",
        "users",
        "knob",
        "slug",
    ],
)
def test_what_cannot_be_loaded_is_one_line_and_a_status(lab, options, reason):
    refused = run("slow", "--host", lab.url, "-t", "1s", *options)

    assert refused.status == 2
    assert [line for line in refused.log.splitlines() if line.startswith("locust: ")], refused.log
    assert reason in refused.log
    assert "Traceback" not in refused.log
    assert refused.rows == {}


def test_only_loopback_passes_for_this_machine():
    hosts = {
        "http://127.0.0.1:8000": True,
        "http://127.0.0.1:8000/": True,
        "https://127.9.9.9": True,
        "http://[::1]:8000": True,
        "http://LOCALHOST:8000": True,
        "http://localhost.example.com": False,
        "http://127.0.0.1.example.com": False,
        "http://127.0.0.1@example.com": False,
        "http://example.com\\@127.0.0.1": False,
        "http://example.com#127.0.0.1": False,
        "http://0.0.0.0:8000": False,
        "http://10.0.0.1": False,
        "http://127.0.0.1:8000/films/": False,
        "http://127.0.0.1:80000": False,
        "http://[::1": False,
        "http://": False,
        "127.0.0.1:8000": False,
        "file:///etc/passwd": False,
        "": False,
    }
    question = (
        "import json, sys; sys.path.insert(0, 'locustfiles'); import _lab as lab\n"
        "def passes(host):\n"
        "    try: return bool(lab.checked_host(host, own=set()))\n"
        "    except lab.LocustRefused: return False\n"
        "print(json.dumps({host: passes(host) for host in json.load(sys.stdin)}))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", question],
        cwd=ROOT,
        input=json.dumps(list(hosts)),
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(answer.stdout) == hosts


def test_a_host_of_ones_own_is_loaded_when_the_command_line_says_so(broken_lab):
    # Not a loopback address by name, yet it leads nowhere else.
    own = f"http://0.0.0.0:{broken_lab.server_port}"
    options = ("--host", own, "-t", "1s", "--experiment", "whole")

    before = len(broken_lab.requests)
    refused = run("fast", *options)
    asked = broken_lab.requests[before:]
    allowed = run("fast", *options, "--i-own-this-host")

    assert refused.status == 2
    assert asked == []
    assert allowed.status == 0, allowed.log
    assert allowed.counts["whole"] > 0


# The web interface. ----------------------------------------------------------------------------


class WebInterface:
    """Locust's web interface, as its own page talks to it."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path, form=None, **headers):
        """A response's status and text; a form is sent by POST."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            request = urllib.request.Request(self.url + path, data, headers)
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def answers(self):
        try:
            return self.ask("/")[0] == 200
        except OSError:
            return False

    def swarm(self, **form):
        return json.loads(self.ask("/swarm", {"user_count": 2, "spawn_rate": 2, **form})[1])

    def figures(self):
        return json.loads(self.ask("/stats/requests")[1])


def test_the_web_interface_listens_on_loopback_and_loads_only_the_lab(lab):
    port = free_port()
    with locust("slow", "--host", lab.url, "--web-port", f"{port}", "--movies", "10") as process:
        web = WebInterface(port)
        wait_until(web.answers, "Locust's web interface")
        assert listening(process) == {("127.0.0.1", port)}

        elsewhere = {"host": "http://192.0.2.1", "i_own_this_host": "true"}
        assert "is not on this machine" in web.swarm(**elsewhere)["message"]
        assert "no lab answers" in web.swarm(host="http://127.0.0.1:1")["message"]
        assert "501 users" in web.swarm(user_count=501, host=lab.url)["message"]
        assert "movies must be" in web.swarm(movies="-1", host=lab.url)["message"]
        assert web.ask("/swarm", {"user_count": 1}, Origin="http://example.com")[0] == 403
        assert web.figures()["state"] == "ready"

        # As the form sends it: a slash at the end, and the knobs that were left empty.
        started = web.swarm(host=f"{lab.url}/", movies="12", cache="", round_trip="")
        assert started["success"], started
        wait_until(lambda: len(web.figures()["stats"]) == len(slugs(lab)) + 1, "every experiment")
        web.ask("/stop", {})
        wait_until(lambda: web.figures()["state"] == "stopped", "the swarm to stop")

        figures = web.figures()
        assert {row["name"] for row in figures["stats"]} == {*slugs(lab), "Aggregated"}
        assert figures["fail_ratio"] == 0, figures["errors"]
