"""gunicorn.conf.py and the Procfile, each with a real Gunicorn."""

import os
import re
import runpy
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import redis
from django.core.cache import caches
from django.db import connections

from tests.support import services
from tests.support.heaps import HAS_GLIBC, count_heaps
from tests.support.labs import ROOT, Lab
from tests.support.services import (
    free_port,
    temporary_folder,
    tie_to_parent,
    undisturbed,
    wait_until,
)


@pytest.fixture
def var():
    """A folder for everything that a run leaves, with a short path."""
    folder = temporary_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def gunicorn(var, *arguments, **environment):
    """Run Gunicorn to its end, where it is expected to refuse to start."""
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", *arguments, "perflab.wsgi"],
        cwd=ROOT,
        env={**os.environ, "PERFLAB_VAR": str(var), "PORT": str(free_port()), **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )


class Running:
    """A command under `with`: it and all it has started have ended when the block ends."""

    def __init__(self, command, var, environment=()):
        self.command = command
        self.log = var / "running.log"
        self.environment = {
            **os.environ,
            "PERFLAB_VAR": str(var),
            "DATABASE_URL": "",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **dict(environment),
        }

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                preexec_fn=tie_to_parent(signal.SIGTERM),
            )
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            family = psutil.Process(self.process.pid).children(recursive=True)
            self.process.terminate()
            _, alive = psutil.wait_procs([psutil.Process(self.process.pid), *family], timeout=60)
            for process in alive:
                process.kill()
        self.process.wait()


def control(lab, command):
    """Send a command to a lab's control socket with gunicornc; what it answered."""
    path = lab.var / "run" / f"gunicorn-{lab.port}.sock"
    wait_until(path.exists, "the control socket")
    return subprocess.run(
        [sys.executable, "-m", "gunicorn.ctl.cli", "-s", str(path), "-c", command],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def own_lines(text):
    """What we said ourselves, Gunicorn's log left out."""
    return [line for line in text.splitlines() if line.startswith("perflab:")]


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEB_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "65"),
        ("WEB_THREADS", "-1"),
        ("WEB_THREADS", "1e3"),
        ("PORT", "70000"),
        ("PORT", "9" * 5000),
    ],
)
def test_a_nonsense_number_is_refused_in_one_line(var, name, value):
    done = gunicorn(var, **{name: value})

    assert done.returncode == 2
    assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize("bind", ["0.0.0.0", "[::]"])
def test_it_does_not_listen_off_loopback_unless_the_lab_is_public(var, bind):
    done = gunicorn(var, "--bind", f"{bind}:{free_port()}")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    [line] = own_lines(done.stderr)
    assert "PERFLAB_PUBLIC=1" in line
    assert "Listening" not in done.stderr


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize("bind", ["0.0.0.0", "[::]"])
@pytest.mark.parametrize("application", ["perflab.wsgi", "perflab.asgi"])
def test_without_our_configuration_it_does_not_listen_there_either(var, bind, application):
    port = free_port()
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", os.devnull, "--no-control-socket"]
        + ["--bind", f"{bind}:{port}", application],
        cwd=ROOT,
        env={**os.environ, "PERFLAB_VAR": str(var)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 3
    [line] = own_lines(done.stderr)
    assert f"{bind}:{port} can be reached by others" in line
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_redis_that_wants_another_password_is_refused_at_the_start(var, own, password):
    server = own(services.Redis, tcp=True)
    with redis.from_url(server.url) as client:
        client.config_set("requirepass", "right")
    where = server.url.removeprefix("redis://")

    done = gunicorn(var, REDIS_URL=f"redis://:{password}@{where}" if password else server.url)

    assert done.returncode == 1
    [line] = own_lines(done.stderr)
    assert "the Redis of REDIS_URL refuses the lab: it wants another password" in line
    assert "wrong" not in line.replace("WRONGPASS", "")


@pytest.mark.usefixtures("may_start_servers")
def test_what_is_no_redis_is_refused_at_the_start(var, own):
    server = own(services.Memcached, tcp=True)

    done = gunicorn(var, REDIS_URL=f"redis://127.0.0.1:{server.port}/0")

    assert done.returncode == 1
    assert "what answers there is not a Redis" in done.stderr


@pytest.mark.usefixtures("may_start_servers")
def test_a_socket_opened_by_somebody_else_is_looked_at_too(var):
    with socket.socket() as opened:
        opened.bind(("0.0.0.0", 0))
        opened.listen()
        done = subprocess.run(
            [sys.executable, "-m", "gunicorn", "-b", f"fd://{opened.fileno()}", "perflab.wsgi"],
            cwd=ROOT,
            env={**os.environ, "PERFLAB_VAR": str(var)},
            pass_fds=[opened.fileno()],
            capture_output=True,
            text=True,
            timeout=30,
        )

    assert done.returncode == 1
    assert len(own_lines(done.stderr)) == 1
    assert "Booting worker" not in done.stderr


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize("hosts", [{}, {"SECRET_KEY": "x" * 60}])
def test_a_public_lab_without_its_secrets_ends_at_once_in_one_line(var, hosts):
    done = gunicorn(var, PERFLAB_PUBLIC="1", WEB_CONCURRENCY="3", **hosts)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    [line] = own_lines(done.stderr)
    assert "SECRET_KEY" in line


def test_a_public_lab_with_its_secrets_starts(start_lab):
    lab = start_lab(
        workers=1,
        PERFLAB_PUBLIC="1",
        PERFLAB_HTTPS="0",
        PERFLAB_TOOLBAR="0",
        SECRET_KEY=secrets.token_urlsafe(50),
        ALLOWED_HOSTS="127.0.0.1",
    )

    assert lab.get("/health/").status == 200


def settings_for(monkeypatch, var, **environment):
    """What gunicorn.conf.py sets in this environment."""
    for name, value in {"PERFLAB_VAR": str(var), **environment}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "gunicorn.conf.py"))


def test_a_private_lab_binds_to_loopback_and_a_public_one_to_all(monkeypatch, var):
    assert settings_for(monkeypatch, var, PORT="8123")["bind"] == "127.0.0.1:8123"
    assert settings_for(monkeypatch, var, PERFLAB_PUBLIC="1")["bind"] == "0.0.0.0:8123"


def test_there_is_a_worker_per_core_and_threads_make_it_gthread(monkeypatch, var):
    settings = settings_for(monkeypatch, var)
    assert settings["workers"] == min(len(os.sched_getaffinity(0)), 64)
    assert (settings["worker_class"], settings["threads"]) == ("sync", 1)

    settings = settings_for(monkeypatch, var, WEB_CONCURRENCY="64", WEB_THREADS="3")
    assert settings["workers"] == 64
    assert (settings["worker_class"], settings["threads"]) == ("gthread", 3)


def test_workers_are_added_and_removed_live(start_lab):
    lab = start_lab(workers=1)
    first = lab.worker_pids()

    control(lab, "worker add 2")
    wait_until(lambda: len(lab.worker_pids()) == 3, "adding two workers")
    assert set(first) < set(lab.worker_pids())

    control(lab, "worker remove 1")
    wait_until(lambda: len(lab.worker_pids()) == 2, "removing a worker")

    os.kill(lab.process.pid, signal.SIGTTIN)
    wait_until(lambda: len(lab.worker_pids()) == 3, "adding a worker by signal")

    os.kill(lab.process.pid, signal.SIGTTOU)
    wait_until(lambda: len(lab.worker_pids()) == 2, "removing a worker by signal")
    assert lab.get("/health/").status == 200


def test_two_instances_have_a_control_socket_each(start_lab):
    one = start_lab(workers=1)
    two = start_lab(workers=1, PERFLAB_VAR=str(one.var), PORT="8000")  # --bind tells the port

    sockets = {path.name for path in (one.var / "run").glob("gunicorn-*.sock")}
    assert sockets == {f"gunicorn-{one.port}.sock", f"gunicorn-{two.port}.sock"}
    assert one.get("/health/").timing["instance"] == str(one.port)
    assert two.get("/health/").timing["instance"] == str(two.port)


def test_a_reload_replaces_every_worker_and_loses_no_request(start_lab):
    lab = start_lab(workers=2)
    before = set(lab.worker_pids())
    statuses, failures, done = [], [], threading.Event()

    def visit():
        while not done.is_set():
            try:
                statuses.append(lab.get("/experiments/n-plus-one/slow/?movies=20").status)
            except OSError as error:
                failures.append(error)

    visitors = [threading.Thread(target=visit) for _ in range(3)]
    for visitor in visitors:
        visitor.start()
    try:
        wait_until(lambda: len(statuses) > 5, "the first pages")
        os.kill(lab.process.pid, signal.SIGHUP)
        wait_until(lambda: len(set(lab.worker_pids()) - before) == 2, "new workers", 30)
        wait_until(lambda: not before & set(lab.worker_pids()), "the old ones' end", 30)
        so_far = len(statuses)
        wait_until(lambda: len(statuses) > so_far + 5, "pages from the new workers")
    finally:
        done.set()
        for visitor in visitors:
            visitor.join()

    assert failures == []
    assert set(statuses) == {200}


def test_the_access_log_tells_fractions_of_milliseconds_and_the_worker(start_lab):
    lab = start_lab(workers=1)

    def ask():
        """Return the milliseconds that our clock measured, and those in the access log."""
        before = len(lab.log_text())
        response = lab.get("/experiments/n-plus-one/fast/?movies=3")
        pattern = (
            rf"<{response.timing['worker']}> 127\.0\.0\.1 "
            r'"GET /experiments/n-plus-one/fast/\?movies=3 HTTP/1\.1" 200 \d+ bytes (\d+\.\d\d) ms'
        )
        wait_until(lambda: re.search(pattern, lab.log_text()[before:]), "the line in the log")
        return response.timing["total"], float(re.search(pattern, lab.log_text()[before:])[1])

    ours, logged = undisturbed(ask, lambda found: found[1] < found[0] + 50)

    assert ours <= logged < ours + 50  # Gunicorn's clock holds all of ours, and little more


@pytest.mark.usefixtures("may_start_servers")
def test_a_new_worker_finds_what_it_is_made_of_loaded_and_frozen(var):
    """Libraries are shared with Gunicorn; nothing that could hold a connection is."""
    configuration = var / "gunicorn.conf.py"
    configuration.write_text(
        (ROOT / "gunicorn.conf.py").read_text()
        + """
from_ours = post_fork, post_worker_init

def post_fork(server, worker):
    from_ours[0](server, worker)
    names = "django.db.models", "redis", "perflab.settings", "movies", "perflab.caches"
    print("LOADED", *(name for name in names if name in sys.modules), flush=True)

def post_worker_init(worker):
    from_ours[1](worker)
    print("FROZEN", gc.get_freeze_count(), flush=True)
"""
    )
    command = [sys.executable, "-m", "gunicorn", "-c", str(configuration), "perflab.wsgi"]
    environment = {"PORT": str(free_port()), "WEB_CONCURRENCY": "1"}

    with Running(command, var, environment) as gunicorn:
        wait_until(lambda: "FROZEN" in gunicorn.log.read_text(), "the worker", 30)
        said = gunicorn.log.read_text()

    assert re.search(r"^LOADED (.*)$", said, re.MULTILINE)[1] == "django.db.models redis"
    assert int(re.search(r"^FROZEN (\d+)$", said, re.MULTILINE)[1]) > 100_000


@pytest.mark.skipif(not HAS_GLIBC, reason="the C library makes no heaps for threads")
def test_the_threads_of_a_worker_share_one_heap(start_lab):
    lab = start_lab(workers=1, threads=4)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lab.get, ["/io-bound/?ms=100"] * 8))

    assert {answer.status for answer in answers} == {200}
    [worker] = lab.worker_pids()
    assert count_heaps(worker) == 0


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere workers look for Gunicorn every 15 s"
)
def test_workers_end_with_gunicorn_even_when_it_is_killed(start_lab):
    lab = start_lab(workers=3)
    workers = [psutil.Process(pid) for pid in lab.worker_pids()]

    lab.process.kill()
    lab.process.wait()

    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert len(gone) == 3
    assert not alive


def honcho(process, port):
    """The command that runs one line of the Procfile."""
    procfile = ["-f", str(ROOT / "Procfile"), "-e", os.devnull]
    return [sys.executable, "-m", "honcho", *procfile, "start", process, "-p", str(port)]


@pytest.mark.usefixtures("may_start_servers")
def test_the_procfile_prepares_and_serves_as_on_heroku(var):
    port = free_port()
    with Running(honcho("release", port), var) as release:
        assert release.process.wait(60) == 0, release.log.read_text()
    assert (var / "static" / "staticfiles.json").exists()

    # Lab knows how to ask a Gunicorn on a port; this one is started by honcho.
    lab = Lab()
    lab.port = port
    with Running(honcho("web", port), var, {"WEB_CONCURRENCY": "2"}) as web:
        wait_until(
            lambda: web.process.poll() is not None or "Booting worker" in web.log.read_text(),
            "Gunicorn",
        )
        assert web.process.poll() is None, web.log.read_text()
        assert lab.get("/health/").status == 200
        film = lab.get("/films/1/")
        assert film.status == 200
        assert film.timing["instance"] == str(port)
    with pytest.raises(OSError):  # noqa: PT011 - it has ended
        lab.get("/health/", timeout=2)
    lab.stop()


@pytest.mark.parametrize(("preloaded", "closed"), [(True, ["db", "caches"]), (False, [])])
def test_what_is_open_before_a_fork_is_closed(monkeypatch, preloaded, closed):
    found = []
    monkeypatch.setattr(connections, "close_all", lambda: found.append("db"))
    monkeypatch.setattr(caches, "close_all", lambda: found.append("caches"))
    server = SimpleNamespace(scoreboard=SimpleNamespace(reserve_slot=lambda: 3))
    server.cfg = SimpleNamespace(preload_app=preloaded)

    runpy.run_path(str(ROOT / "gunicorn.conf.py"))["pre_fork"](server, SimpleNamespace())

    assert found == closed
