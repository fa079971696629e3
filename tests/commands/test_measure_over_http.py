"""Test `manage.py measure --url` with a real lab, and with one that misbehaves on purpose."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from perflab.compare import report, rounds
from perflab.compare.clients import InProcess
from perflab.measure import server_timing
from tests.support.measure_command import LAB_KEYS, QUICK, measured, not_judged, refusal
from tests.support.services import free_port, wait_until

in_process = pytest.mark.django_db


# Over HTTP.


def test_a_running_lab_is_measured_in_all_its_workers(lab, tmp_path):
    result = measured(
        tmp_path, "low-level-cache", f"--url={lab.url}/", "--cache=locmem", "--runs=15"
    )

    assert set(result["lab"]) == LAB_KEYS
    assert result["lab"]["url"] == lab.url
    assert result["lab"]["database"] in ("sqlite", "postgresql")
    assert 1 <= result["lab"]["workers"] <= 2
    slow, fast = result["experiments"][0]["variants"]
    # Each worker has a local cache of its own, and all of them were warm before the first run.
    assert (slow["queries"], fast["queries"], fast["hits"], fast["varied"]) == (2, 1, 1, [])
    assert slow["outside_ms"] >= slow["median_ms"]
    assert result["experiments"][0]["same_page"]


def test_a_running_lab_is_measured_cold(lab, tmp_path):
    result = measured(tmp_path, "low-level-cache", f"--url={lab.url}", "--cold", *QUICK)

    fast = result["experiments"][0]["variants"][1]
    assert (fast["queries"], fast["hits"], fast["misses"], fast["varied"]) == (2, 0, 1, [])


def test_a_running_lab_says_itself_which_knobs_it_refuses(lab):
    line = refusal(2, "n-plus-one", f"--url={lab.url}", "--movies=5001")

    assert "movies must be a whole number from 1 to 5,000, not '5001'" in line


def test_a_running_lab_says_itself_which_experiments_it_has(lab):
    line = refusal(2, "n-plus-two", f"--url={lab.url}")

    assert line.startswith("there is no experiment 'n-plus-two'; there are n-plus-one, ")


def test_a_lab_that_goes_down_leaves_no_results(start_lab, tmp_path):
    lab = start_lab(workers=1)
    file = tmp_path / "measured.json"

    def stop_amid_the_runs():
        wait_until(lambda: lab.log_text().count("/experiments/n-plus-one/") > 40, "the runs", 30)
        lab.stop()

    stopping = threading.Thread(target=stop_amid_the_runs)
    stopping.start()
    line = refusal(2, "n-plus-one", f"--url={lab.url}", "--runs=200", f"--json={file}")
    stopping.join()

    assert line.startswith(f"no lab answers at {lab.url} (")
    assert line.endswith("There are no results.")
    assert not file.exists()


def test_a_url_where_nobody_listens_is_one_line():
    url = f"http://127.0.0.1:{free_port()}"

    assert refusal(2, f"--url={url}") == (
        f"no lab answers at {url} (Connection refused). There are no results."
    )


TIMING = {
    **{"total": 4.0, "cpu": 3.0, "sql": 1.0, "cache": 0.0, "queries": 2, "tx": 0, "calls": 0},
    **{"duplicates": 0, "hits": 0, "misses": 0, "errors": 0, "worker": 1, "instance": "fake"},
}


def server_timing_of(**changed):
    parts = []
    for name, value in (TIMING | changed).items():
        kind = f"dur={value}" if isinstance(value, float) else f'desc="{value}"'
        parts.append(f"{name};{kind}")
    return ", ".join(parts)


PAGE = "<h1>A page</h1>" + 100 * "<li>A film"


def a_page(**changed):
    return 200, {"Server-Timing": server_timing_of(**changed)}, PAGE


def catalogue():
    two = {"base": 2, "per_row": 0, "batch": 0}
    plain = {"differs": "", "revalidates": False, "reference": False, "body": "html"}
    plain |= {"queries": {"cold": two, "warm": two}}
    variants = [
        {"name": name, "url": f"/experiments/one/{name}/", **plain} for name in ("slow", "fast")
    ]
    experiment = {"slug": "one", "url": "/experiments/one/", "variants": variants}
    experiment |= {"knobs": {}, "figure": "queries", "clock": "server", "rows": "films"}
    experiment |= {"price": ""}
    return {"version": 2, "knobs": {"cache": {"default": "redis"}}, "experiments": [experiment]}


@contextmanager
def fake_lab(answer):
    """The URL of a server that answers as `answer(path)` says, and where that is None as a lab."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            fixed = {
                "/experiments.json": catalogue(),
                "/health/": {"database": {"vendor": "sqlite", "state": "up"}},
                "/experiments/one/rows.json": {"rows": 1000},
            }
            status, headers, body = answer(path) or (
                (200, {}, json.dumps(fixed[path])) if path in fixed else a_page()
            )
            self.send_response(status)
            for header in headers.items():
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


# Over HTTP, a lab that does what no real one can be made to do.


@in_process
def test_what_the_fake_lab_sends_is_what_a_lab_sends():
    real = InProcess().get("/experiments.json")

    assert server_timing.read(server_timing_of()) == TIMING
    assert server_timing.read(real.headers["server-timing"]).keys() == TIMING.keys()
    assert json.loads(real.body).keys() >= catalogue().keys()


@pytest.mark.long
def test_a_workers_first_answer_is_its_warm_up_whenever_it_comes(tmp_path):
    """Worker 2 turns up amid the runs, and is slow with the first page of each variant."""
    met = {"slow": 0, "fast": 0}

    def answer(path):
        name = path.split("/")[-2]
        if name not in met:
            return None
        met[name] += 1
        late = met[name] >= 12 and met[name] % 2
        return a_page(worker=2 if late else 1, total=900.0 if met[name] == 13 else 4.0)

    with fake_lab(answer) as url:
        result = not_judged(tmp_path, f"--url={url}", "--runs=20")

    assert [reason["code"] for reason in result["experiments"][0]["not_judged"]] == [
        "workers_changed"
    ]
    for variant in result["experiments"][0]["variants"]:
        assert variant["workers"] == 2
        assert variant["samples_ms"] == [4.0] * 20
    assert met["slow"] > 20


def test_a_lab_whose_workers_never_last_is_not_measured(monkeypatch):
    monkeypatch.setattr(rounds, "MAX_WARM_UP_ROUNDS", 15)
    pids = iter(range(1, 10_000))

    def answer(path):
        return a_page(worker=next(pids)) if path.endswith(("/slow/", "/fast/")) else None

    with fake_lab(answer) as url:
        line = refusal(2, f"--url={url}", *QUICK)

    assert "every answer comes from another worker" in line


def test_counts_that_vary_and_caches_that_are_away_are_told(tmp_path):
    served = []

    def answer(path):
        if not path.endswith(("/slow/", "/fast/")):
            return None
        served.append(path)
        return a_page(queries=len(served) % 3, errors=1)

    with fake_lab(answer) as url:
        experiment = not_judged(tmp_path, f"--url={url}", "--runs=9")["experiments"][0]

    text = "\n".join(report.notes(experiment))
    variant = experiment["variants"][0]
    assert [reason["code"] for reason in experiment["not_judged"]] == ["cache_errors"] * 2
    assert "slow: the cache did not answer 9 calls" in text
    assert "slow: not the same in each run: queries" in text
    assert (variant["queries"], variant["varied"], variant["errors"]) == (1, ["queries"], 9)


def test_where_a_threads_clock_means_nothing_there_is_no_cpu_time(tmp_path):
    header = re.sub(r"cpu;dur=[\d.]+, ", "", server_timing_of())

    def answer(path):
        page = 200, {"Server-Timing": header}, PAGE
        return page if path.endswith(("/slow/", "/fast/")) else None

    with fake_lab(answer) as url:
        result = measured(tmp_path, f"--url={url}", *QUICK)

    assert result["experiments"][0]["variants"][0]["cpu_ms"] is None
    assert " – " in report.as_text(result)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, {}, "<h1>Oh&nbsp;no</h1>"), "slow answered 500: Oh no."),
        ((302, {"Location": "/"}, ""), "slow answered 302"),
        ((200, {}, "<h1>A page</h1>"), "slow came without the lab's Server-Timing"),
        ((200, {"Server-Timing": 'db;desc="x"'}, ""), "slow came without the lab's Server-Timing"),
        ((200, {"Content-Length": "999"}, "short"), "no lab answers at http://127.0.0.1:"),
        ((503, {}, "<h1>Down</h1>"), "Down. There are no results."),
    ],
)
def test_a_page_that_is_none_is_told_in_one_line(answer, words):
    with fake_lab(lambda path: answer if path.endswith("/slow/") else None) as url:
        assert words in refusal(2, f"--url={url}", *QUICK)


@pytest.mark.parametrize(
    "body",
    ["<h1>Hello</h1>", "[]", "{}", '{"experiments": []}', '{"experiments": [{"slug": 1}]}', "null"],
)
def test_something_that_is_not_a_lab_is_one_line(body):
    with fake_lab(lambda path: (200, {}, body)) as url:
        assert refusal(2, f"--url={url}").startswith(f"{url} answers, but not as a perflab")


def test_a_lab_without_its_database_is_one_line():
    health = 503, {}, '{"database": {"vendor": "postgresql", "state": "down"}}'

    with fake_lab(lambda path: health if path == "/health/" else None) as url:
        assert refusal(2, f"--url={url}").startswith("The lab's database does not answer.")
