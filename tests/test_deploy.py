"""Several instances behind the real HAProxy and nginx: nobody is to notice that one ends."""

import contextlib
import http.client
import importlib.util
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from tests import services
from tests.labs import ROOT, Response
from tests.services import free_port, or_skip, temporary_folder, tie_to_parent, wait_until

BALANCERS = ("haproxy", "nginx")
GUIDE = (ROOT / "docs/deploy.md").read_text()
PAGE = "/experiments/n-plus-one/fast/?movies=5"
# What somebody far away may send to be taken for somebody on the lab's own machine.
LIES = [
    {},
    {"X-Forwarded-For": ""},
    {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Forwarded-Host": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1;proto=https", "X-Forwarded-Proto": "https"},
    {"X-Forwarded-Ssl": "on", "X-Forwarded-Port": "443", "X-Forwarded-Prefix": "/experiments"},
    {"Connection": "close, X-Forwarded-For, X-Forwarded-Host, X-Real-IP"},
]


def free_ports(*offsets):
    """A port from which on these offsets are free, below those that the system gives away."""
    for _ in range(100):
        base = random.randrange(15_000, 30_000)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for offset in offsets:
                probe = held.enter_context(socket.socket())
                probe.bind(("127.0.0.1", base + offset))
            return base
    raise RuntimeError("no free ports")


@contextlib.contextmanager
def running(command, log, **environment):
    """A process, under `with`; it and all that it has started have ended when the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=tie_to_parent(signal.SIGTERM),
        )
    try:
        yield process
    finally:
        family = [psutil.Process(process.pid)] if process.poll() is None else []
        family += [child for parent in family for child in parent.children(recursive=True)]
        if family:
            process.terminate()
        _, alive = psutil.wait_procs(family, timeout=20)
        for survivor in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()
        process.wait()
    assert not alive, f"{command} left {alive} running"


@contextlib.contextmanager
def balancer(name, web_port, var):
    """The real program under deploy/balancer.py, in front of three instances; its port."""
    or_skip(services.find, name, folders=("/usr/local/sbin", "/usr/sbin", "/sbin"))
    port, log = free_port(), var / f"{name}.log"
    environment = {"BALANCER": name, "PORT": str(port), "WEB_PORT": str(web_port)}
    command = [sys.executable, str(ROOT / "deploy/balancer.py")]
    with running(command, log, PERFLAB_VAR=str(var), **environment) as process:

        def listens():
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True

        wait_until(listens, name)
        yield port


def ask(port, path, method="GET", headers=(), source=None):
    """One request on a connection of its own; `source` is the address that it comes from."""
    source = (source, 0) if source else None
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=source)
    with contextlib.closing(connection):
        connection.request(method, path, headers=dict(headers))
        return Response(connection.getresponse())


@pytest.fixture
def var():
    folder = temporary_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


# The whole Procfile -------------------------------------------------------------------------------


class Fleet:
    """Three instances, where they are, and the doors to them: a port for each balancer."""

    def __init__(self, var, process, base):
        self.var = var
        self.process = process
        self.instances = [base + 100, base + 101, base + 102]
        self.doors = {"haproxy": base}

    def is_whole(self):
        """Whether each door leads to each instance."""
        assert self.process.poll() is None, (self.var / "honcho.log").read_text()[-4000:]
        with contextlib.suppress(OSError, http.client.HTTPException):
            everybody = {str(port) for port in self.instances}
            return all(
                {ask(door, PAGE).timing.get("instance") for _ in range(3)} == everybody
                for door in self.doors.values()
            )

    def gunicorn(self, port):
        """The process of an instance that starts its workers."""
        worker = int(ask(port, "/health/").timing["worker"])
        return psutil.Process(worker).parent()


@pytest.fixture(scope="module")
def fleet(seeded_database, redis_server):
    """What docs/deploy.md says to start, on other ports; nginx in front of the same instances."""
    or_skip(services.find, "haproxy", folders=("/usr/local/sbin", "/usr/sbin", "/sbin"))
    [line] = re.findall(r"honcho (start -p 8000 -c web=3,balancer=1)\n", GUIDE)
    base = free_ports(0, 100, 101, 102, 200)
    command = [sys.executable, "-m", "honcho", "-e", os.devnull]
    command += shlex.split(line.replace("8000", str(base)))
    folder = temporary_folder()
    environment = {
        "PERFLAB_VAR": str(folder),
        "DATABASE_URL": "",
        "REDIS_URL": redis_server.url,
        "FORWARDED_ALLOW_IPS": "",
        "WEB_CONCURRENCY": "1",
    }
    try:
        seeded_database.copy_to(folder / "perflab.sqlite3")
        with contextlib.ExitStack() as started:
            process = started.enter_context(
                running(command, folder / "honcho.log", BALANCER="haproxy", **environment)
            )
            fleet = Fleet(folder, process, base)
            door = started.enter_context(balancer("nginx", fleet.instances[0], folder))
            fleet.doors["nginx"] = door
            wait_until(fleet.is_whole, "three instances", 60)
            yield fleet
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Load:
    """Under `with`: visitors who ask for pages at every door, all the time, and note what comes."""

    def __init__(self, fleet, visitors=2):
        self.fleet = fleet
        self.visitors = visitors
        self.stop = threading.Event()
        self.failures = []
        self.answers = Counter()  # by door and instance
        self.worker = {}  # who answered last, by door and instance

    def __enter__(self):
        self.threads = [
            threading.Thread(target=self.visit, args=door)
            for door in self.fleet.doors.items()
            for _ in range(self.visitors)
        ]
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.worker) == 6, "an answer from each instance at each door")
        return self

    def __exit__(self, *error):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def visit(self, door, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not self.stop.wait(0.04):
            try:
                connection.request("GET", PAGE)
                answer = Response(connection.getresponse())
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{door}: {error!r}")
                connection.close()
                continue
            if answer.status != 200 or "</html>" not in answer.text:
                self.failures.append(f"{door}: {answer.status} {answer.text[:200]}")
                continue
            where = (door, int(answer.timing["instance"]))
            self.worker[where] = answer.timing["worker"]
            self.answers[where] += 1
        connection.close()

    def replaces(self, port):
        """A function: whether each door has had an answer of another worker of this instance."""
        before = dict(self.worker)
        places = [(door, port) for door in self.fleet.doors]
        return lambda: all(self.worker[place] != before[place] for place in places)


def told_to_gunicorn(fleet, port, order):
    """Give an instance an order, with the command that docs/deploy.md tells."""
    [command] = re.findall(r"gunicornc (-s var/run/gunicorn-8100.sock -c) reload\n", GUIDE)
    assert f"`{order}`" in GUIDE
    command = command.replace("8100", str(port)).replace("var/", f"{fleet.var}/")
    subprocess.run(
        [sys.executable, "-m", "gunicorn.ctl.cli", *shlex.split(command), order],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("door", BALANCERS)
def test_requests_are_spread_over_all_instances(fleet, door):
    def shares():
        return Counter(ask(fleet.doors[door], PAGE).timing["instance"] for _ in range(15))

    # HAProxy may still be asking the last one whether it is well.
    wait_until(lambda: sorted(shares().values()) == [5, 5, 5], "an even share for each of three")


@pytest.mark.parametrize("door", BALANCERS)
def test_a_page_names_the_instance_that_made_it(fleet, door):
    page = ask(fleet.doors[door], PAGE, headers={"Accept": "text/html"})

    assert f"of instance {page.timing['instance']}<" in page.text


def test_the_command_of_the_guide_shows_which_instance_answered(fleet):
    curl = or_skip(services.find, "curl")
    [line] = re.findall(r"^curl (.+)$", GUIDE, re.MULTILINE)
    line = line.replace("8000", str(fleet.doors["haproxy"]))

    said = subprocess.run(["sh", "-c", f"{curl} {line}"], capture_output=True, text=True).stdout

    assert any(f'instance;desc="{port}"' in said for port in fleet.instances), said


def test_the_instances_share_one_cache(fleet):
    path = "/experiments/cache-page/fast/?movies=7"

    answers = [ask(fleet.doors["haproxy"], path) for _ in range(9)]

    assert len({answer.timing["instance"] for answer in answers}) == 3
    assert [answer.timing["queries"] > 0 for answer in answers] == [True] + [False] * 8


def test_nobody_notices_that_an_instance_is_killed(fleet):
    port = fleet.instances[1]
    master = fleet.gunicorn(port)
    with Load(fleet) as load:
        is_back = load.replaces(port)

        for process in [master, *master.children()]:
            process.kill()

        wait_until(is_back, "the killed instance to be back", 30)
    assert not load.failures
    assert load.answers.total() > 100
    assert fleet.gunicorn(port) != master


def test_nobody_notices_a_reload_of_one_after_the_other(fleet):
    masters = [fleet.gunicorn(port) for port in fleet.instances]
    with Load(fleet) as load:
        for port in fleet.instances:
            is_done = load.replaces(port)
            told_to_gunicorn(fleet, port, "reload")
            wait_until(is_done, "reloading", 30)

    assert not load.failures
    assert load.answers.total() > 100
    assert [fleet.gunicorn(port) for port in fleet.instances] == masters


def test_nobody_notices_that_one_after_the_other_is_stopped_and_started(fleet):
    masters = [fleet.gunicorn(port) for port in fleet.instances]
    with Load(fleet) as load:
        for port in fleet.instances:
            is_back = load.replaces(port)
            told_to_gunicorn(fleet, port, "shutdown")
            wait_until(is_back, "starting again", 30)

    assert not load.failures
    assert load.answers.total() > 100
    assert not set(masters) & {fleet.gunicorn(port) for port in fleet.instances}


@pytest.mark.parametrize("lie", LIES, ids=str)
@pytest.mark.parametrize("door", BALANCERS)
def test_nobody_who_comes_through_a_balancer_is_taken_for_local(fleet, door, lie):
    token = "a" * 32
    order = {"Cookie": f"csrftoken={token}", "X-CSRFToken": token}
    flush = "/experiments/cache-page/flush/"
    inside = fleet.instances[0]
    assert "djDebug" in ask(inside, f"{PAGE}&inspect=1").text
    assert "X-Perflab-Trace" in ask(inside, f"{PAGE}&trace=1").headers
    assert ask(inside, flush, "POST", order).status == 204

    outside = fleet.doors[door]

    assert "djDebug" not in ask(outside, f"{PAGE}&inspect=1", headers=lie).text
    assert "X-Perflab-Trace" not in ask(outside, f"{PAGE}&trace=1", headers=lie).headers
    refused = ask(outside, flush, "POST", {**lie, **order})
    assert refused.status == 403
    assert "own machine" in refused.text


def test_no_request_says_under_which_address_the_site_lies(fleet):
    for port in (*fleet.doors.values(), fleet.instances[0]):
        answer = ask(port, PAGE, headers={"SCRIPT_NAME": "/experiments"})

        assert answer.status == 200  # believed, it would leave an address that there is not


def test_only_the_balancers_machine_is_believed_about_https(start_lab):
    lab = start_lab(workers=1, PERFLAB_HTTPS="1", FORWARDED_ALLOW_IPS="")
    claim = {"X-Forwarded-Proto": "https"}

    assert ask(lab.port, PAGE).status == 301
    assert ask(lab.port, PAGE, headers=claim).status == 200
    assert ask(lab.port, PAGE, headers={"X-Forwarded-Ssl": "on"}).status == 301
    if sys.platform == "linux":  # elsewhere this machine has but one loopback address
        assert ask(lab.port, PAGE, headers=claim, source="127.0.0.2").status == 301


# Each balancer alone, in front of instances that do as they are told ------------------------------


class PretendedInstance(ThreadingHTTPServer):
    """Notes what it is asked (health checks apart); answers, or hangs up as one that dies would."""

    daemon_threads = True

    def __init__(self, port):
        self.requests = []
        self.healthy = self.answering = True
        super().__init__(("127.0.0.1", port), PretendedAnswer)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, address):
        """HAProxy's checks hang up once they know: nothing to print."""

    def end(self):
        self.shutdown()
        self.server_close()


class PretendedAnswer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = 200
        if self.path == "/health/":
            status = 200 if self.server.healthy else 503
        else:
            self.server.requests.append((self.command, self.headers))
            if not self.server.answering:
                self.close_connection = True
                return
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def pretended():
    base = free_ports(0, 1, 2)
    instances = [PretendedInstance(base + n) for n in range(3)]
    yield instances
    for instance in instances:
        instance.end()


def asked(instances):
    """What reached the instances, all together."""
    return [request for instance in instances for request in instance.requests]


@pytest.fixture(params=BALANCERS)
def door(request, pretended, var):
    with balancer(request.param, pretended[0].server_port, var) as port:
        yield port


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_balancer_says_itself_who_is_asking(door, pretended, lie):
    ask(
        door,
        "/",
        headers={name: value.replace("127.0.0.1", "192.0.2.1") for name, value in lie.items()},
    )

    [(_, headers)] = asked(pretended)
    assert headers.get_all("X-Forwarded-For") == ["127.0.0.1"]
    assert headers.get_all("X-Real-IP") == ["127.0.0.1"]
    assert headers.get_all("X-Forwarded-Proto") == ["http"]
    assert headers.get_all("X-Forwarded-Host") == headers.get_all("Host") == [f"127.0.0.1:{door}"]
    assert "Forwarded" not in headers
    assert sum(name.lower().startswith("x-forwarded-") for name in headers) == 3


@pytest.mark.parametrize(
    ("method", "times"), [("GET", 2), ("HEAD", 2), ("POST", 1), ("PUT", 1), ("DELETE", 1)]
)
def test_what_only_reads_is_sent_again_and_nothing_else(door, pretended, method, times):
    for instance in pretended:
        instance.answering = False

    answer = ask(door, "/", method)

    assert answer.status == 502
    assert {sent for sent, _ in asked(pretended)} == {method}
    if times == 1:
        assert len(asked(pretended)) == 1
    else:
        assert sum(bool(instance.requests) for instance in pretended) > 1


def test_an_order_that_was_not_delivered_goes_to_another_instance(door, pretended):
    pretended[0].end()

    statuses = [ask(door, "/", "POST").status for _ in range(6)]

    assert statuses == [200] * 6
    assert len(asked(pretended)) == 6


def test_haproxy_asks_nothing_of_an_instance_that_cannot_serve(pretended, var):
    with balancer("haproxy", pretended[0].server_port, var) as door:
        pretended[0].healthy = False

        def left_out():
            before = len(pretended[0].requests)
            assert {ask(door, "/").status for _ in range(6)} == {200}
            return len(pretended[0].requests) == before

        wait_until(left_out, "leaving out the unhealthy one")
        assert all(instance.requests for instance in pretended[1:])
        pretended[0].healthy = True
        wait_until(lambda: not left_out(), "taking it back")


def test_haproxy_asks_everybody_where_nobody_is_healthy(pretended, var):
    with balancer("haproxy", pretended[0].server_port, var) as door:
        for instance in pretended:
            instance.healthy = False
        log = var / "haproxy.log"
        wait_until(lambda: "has no server available" in log.read_text(), "all checks failing")

        statuses = {ask(door, "/").status for _ in range(6)}

    assert statuses == {200}
    assert all(instance.requests for instance in pretended)


# The files and scripts ----------------------------------------------------------------------------


@pytest.fixture
def balancer_module():
    spec = importlib.util.spec_from_file_location("deploy_balancer", ROOT / "deploy/balancer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", BALANCERS)
def test_only_the_ports_differ_from_the_files(balancer_module, name):
    text = (ROOT / "deploy" / balancer_module.FILES[name]).read_text()

    five = balancer_module.with_ports(text, 7000, range(7100, 7105))

    assert balancer_module.with_ports(text, 5000, [5100, 5101, 5102]) == text
    assert five.count("127.0.0.1:7000") == text.count("127.0.0.1:5000") == 1
    assert set(re.findall(r"127\.0\.0\.1:(71\d\d)", five)) == {str(n) for n in range(7100, 7105)}


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "0"), ("PORT", "x"), ("INSTANCES", "0"), ("INSTANCES", "9" * 99)]
    + [("WEB_PORT", "70000"), ("WEB_PORT", "4998"), ("BALANCER", "apache")],
)
def test_a_value_that_makes_no_sense_is_refused_in_one_line(var, name, value):
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy/balancer.py")],
        env={**os.environ, "PERFLAB_VAR": str(var), name: value},
        capture_output=True,
        text=True,
        timeout=10,
    )

    assert done.returncode == 2
    assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", BALANCERS)
def test_a_port_that_is_taken_is_told_in_one_line(var, name):
    or_skip(services.find, name, folders=("/usr/local/sbin", "/usr/sbin", "/sbin"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, str(ROOT / "deploy/balancer.py")],
            env={**os.environ, "PERFLAB_VAR": str(var), "BALANCER": name, "PORT": port},
            capture_output=True,
            text=True,
            timeout=10,
        )

    assert done.returncode == 1
    assert done.stderr == f"balancer: cannot listen on 127.0.0.1:{port}: Address already in use.\n"
    assert done.stdout == ""


def test_without_any_balancer_one_line_says_so(balancer_module, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda *arguments, **options: None)
    monkeypatch.delenv("PORT", raising=False)

    with pytest.raises(SystemExit) as ended:
        balancer_module.main()

    assert ended.value.code == 1
    assert capsys.readouterr().err == "balancer: neither haproxy nor nginx is installed.\n"


def respawn(script):
    return ["sh", str(ROOT / "deploy/respawn"), "sh", "-c", script]


@pytest.mark.parametrize("ending", ["exit 0", "kill -KILL $$"])
def test_what_was_stopped_or_killed_is_started_again(var, ending):
    script = f"echo x >>{var}/starts; [ $(wc -l <{var}/starts) = 3 ] && exec sleep 60; {ending}"

    with running(respawn(script), var / "log"):
        wait_until(lambda: (var / "starts").exists(), "a start")
        wait_until(lambda: (var / "starts").read_text() == "x\n" * 3, "three starts")
        time.sleep(0.3)  # a fourth would have come by now

        assert (var / "starts").read_text() == "x\n" * 3


def test_what_refuses_to_start_is_not_started_again(var):
    done = subprocess.run(respawn(f"echo x >>{var}/starts; exit 3"), timeout=10)

    assert done.returncode == 3
    assert (var / "starts").read_text() == "x\n"


def test_respawn_waits_for_what_it_was_told_to_end(var):
    script = f"trap 'sleep .3; echo done >{var}/end; exit' TERM; echo >{var}/ready; sleep 60 & wait"

    with running(respawn(script), var / "log") as process:
        wait_until(lambda: (var / "ready").exists(), "a start")
        process.terminate()

        assert process.wait(10) == 0
    assert (var / "end").read_text() == "done\n"


def test_the_guide_and_the_architecture_name_every_file():
    for path in (ROOT / "deploy").iterdir():
        if path.is_file() and path.name != "release":
            assert f"deploy/{path.name}" in GUIDE
    assert "deploy/" in (ROOT / "docs/architecture.md").read_text()
    assert "(docs/deploy.md)" in (ROOT / "README.md").read_text()
