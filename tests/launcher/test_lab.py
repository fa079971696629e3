"""Test how the launcher starts the lab and how it ends everything that it started."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time

import psutil
import pytest

from tests.support.launcher import LINUX, Launcher, all_end, is_free, newcomers, started
from tests.support.services import free_port, tie_to_parent, wait_until


def test_nothing_survives_the_launcher_however_it_ends(furnished):
    """Neither a process nor a socket, and the next start is none the worse for it."""
    port = free_port()
    for how in ("SIGKILL", "SIGINT", "SIGTERM") if LINUX else ("SIGINT", "SIGTERM"):
        with started(furnished, "--workers", "2", port=port) as launcher:
            assert len(launcher.named("gunicorn")) == 3
            assert len(launcher.named("valkey-server")) == 1
            [socket_now] = (furnished / "var" / "run").glob("valkey-*.sock")  # no stale one
            assert socket_now.name == f"valkey-{launcher.process.pid}.sock"

            launcher.process.send_signal(signal.Signals[how])

            if how == "SIGKILL":
                assert launcher.wait() == -signal.SIGKILL
                assert all_end(launcher.family)
                (furnished / "var" / "run" / "valkey-1.sock").touch()
            else:
                assert launcher.wait() == 0
                assert not any(process.is_running() for process in launcher.family)
                assert not list((furnished / "var" / "run").iterdir())
            assert is_free(port)


@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_gunicorn_that_was_stopped_does_not_survive_the_launcher(furnished, how):
    """Stopped by SIGSTOP, it cannot take SIGTERM; nor can a worker of it, or Valkey."""
    with started(furnished, "--workers", "2") as launcher:
        [valkey] = launcher.named("valkey-server")
        master, worker = launcher.named("gunicorn")[:2]
        for process in (worker, master, valkey):
            process.send_signal(signal.SIGSTOP)

        launcher.process.send_signal(signal.Signals[how])

        assert launcher.wait() == (-signal.SIGKILL if how == "SIGKILL" else 0)
        assert all_end(launcher.family, 40)
        assert is_free(launcher.port)


def test_closing_the_terminal_ends_it_all(furnished):
    """The kernel sends SIGHUP, and whatever is said after that is said to nobody."""
    terminal, theirs = os.openpty()
    launcher = Launcher(furnished, "--workers", "1")
    program = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "os.execv(sys.executable, [sys.executable, '-m', 'perflab', *sys.argv[1:]])"
    )
    process = subprocess.Popen(
        [launcher.python, "-c", program, *launcher.arguments],
        cwd=furnished,
        env=newcomers(furnished.parent),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=tie_to_parent(),
    )
    os.close(theirs)
    family = []
    try:
        said = b""
        while b"Ctrl-C" not in said:
            said += os.read(terminal, 1000)
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) == 4  # Valkey, Gunicorn, its worker, and the watcher

        os.close(terminal)

        assert all_end(family)
        assert process.wait(10) == 0
    finally:
        for left in [process, *family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.wait()


@pytest.mark.skipif(not LINUX, reason="elsewhere the watcher is a little later than the kernel")
def test_a_request_in_progress_is_answered_whatever_ends_the_lab(furnished):
    """And a start on the same port waits for that."""
    port = free_port()
    bodies = []

    def visit(launcher):
        visitor = threading.Thread(
            target=lambda: bodies.append(
                launcher.page("experiments/n-plus-one/slow/?movies=50&round_trip=50")
            )
        )
        visitor.start()
        time.sleep(0.6)  # of the 2.5 s that it takes
        return visitor

    with started(furnished, "--workers", "1", port=port) as killed:
        visitor = visit(killed)
        killed.process.kill()
        killed.wait()
        with started(furnished, "--workers", "1", port=port) as stopped:
            assert stopped.said.startswith("Waiting for the last lab to finish.")
            visitor.join()

            visitor = visit(stopped)
            stopped.process.send_signal(signal.SIGTERM)

            assert stopped.wait() == 0
            visitor.join()
    assert ["</html>" in body for body in bodies] == [True, True]


def test_a_killed_gunicorn_ends_the_lab_with_its_last_words(furnished):
    with started(furnished, "--workers", "2") as running:
        master = running.named("gunicorn")[0]

        master.kill()

        assert running.wait() == 1
        assert all_end(running.family)
        assert "Gunicorn has ended by itself (status -9)" in running.said.splitlines()[-1]
        assert "gunicorn.log" in running.said


def test_an_application_that_does_not_load_is_said_with_its_last_words(furnished):
    urls = furnished / "perflab" / "urls.py"
    text = urls.read_text()
    urls.write_text(text + "\nraise RuntimeError('half edited')\n")
    try:
        with Launcher(furnished, "--workers", "1") as broken:
            assert broken.wait() == 1
            last = broken.said.splitlines()[-1]
            assert last.startswith("perflab: ")
            assert "half edited" in last or "gunicorn.log" in last
    finally:
        urls.write_text(text)


def test_threads_workers_and_the_environment_reach_gunicorn(running):
    assert "(3 workers of 2 threads, Valkey)" in running.said
    assert len(running.named("gunicorn")) == 4
    assert "Using worker: gthread" in (running.var / "log" / "gunicorn.log").read_text()


def test_the_access_log_goes_to_a_file_and_the_terminal_stays_quiet(running):
    said = running.said

    running.page("films/")

    log = running.var / "log" / "access.log"
    wait_until(lambda: re.search(r'"GET /films/ .* \d+\.\d\d ms', log.read_text()), "a line")
    assert running.said == said


def test_the_logs_of_a_running_lab_stay_short(running):
    """Two of them are made longer here than they may be; what is written then is there."""
    folder = running.var / "log"
    master = running.named("gunicorn")[0]
    for name in ("access.log", "gunicorn.log"):
        with (folder / name).open("a") as log:
            log.write(("x" * 99 + "\n") * 101_000)

    for name in ("access.log", "gunicorn.log"):
        aside = folder / f"{name}.1"
        wait_until(lambda aside=aside: aside.exists() and aside.stat().st_size > 1e7, "moving it")
    time.sleep(1)  # the workers look once a second
    running.page("films/?moved=1")
    master.send_signal(signal.SIGTTIN)

    def logged(name):
        path = folder / name  # a log that has been moved is made anew with its next line
        return path.read_text() if path.exists() else ""

    wait_until(lambda: "/films/?moved=1 " in logged("access.log"), "the line")
    wait_until(lambda: "ttin" in logged("gunicorn.log"), "Gunicorn's line")
    assert (folder / "access.log").stat().st_size < 1e6
    assert (folder / "gunicorn.log").stat().st_size < 1e6
    master.send_signal(signal.SIGTTOU)
