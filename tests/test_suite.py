"""Test the suite itself: what a test may reach, how it is marked, and that a run leaves nothing."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from tests.support.alone import alone
from tests.support.labs import ROOT
from tests.support.services import tie_to_parent, wait_until


@pytest.fixture
def marks(request):
    return {mark.name for mark in request.node.iter_markers()}


def test_a_test_of_this_process_alone_is_not_marked(marks):
    assert marks == set()


def test_a_test_with_a_server_is_marked(redis_server, marks):
    assert marks == {"server"}


def test_a_test_with_a_lab_is_marked(request):
    """Looked up, not asked for: nothing is started for it."""
    names = {"lab", "start_lab", "own", "postgresql", "seeded_database", "chromium"}
    closure, _ = request.session._fixturemanager.getfixtureclosure(
        parentnode=request.node, initialnames=tuple(names), ignore_args=()
    )[:2]

    assert "may_start_servers" in closure


def test_without_the_fixture_no_process_is_started():
    with alone([]), pytest.raises(pytest.fail.Exception, match="starts a process"):
        subprocess.run(["true"])


def test_without_the_fixture_no_other_process_is_reached(redis_server):
    def greet():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(redis_server.socket))

    with alone([]), pytest.raises(pytest.fail.Exception, match="speaks to"):
        greet()
    with alone([redis_server]):
        greet()


def test_a_server_within_the_test_may_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, alone([]):
        socket.create_connection(server.getsockname()).close()


@pytest.mark.parametrize(
    "end",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGINT, marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive),
    ],
)
@pytest.mark.usefixtures("may_start_servers")
def test_an_interrupted_run_leaves_no_process_and_no_folder(tmp_path, end):
    """With two processes, each with servers of its own, in the middle of a test."""
    chosen = "a_cache_that_goes_away_under_load or what_is_left_alone"
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", "-k", chosen]
        + ["tests/test_outages.py", "tests/caches/test_outages.py"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=tie_to_parent(),
    )
    family = []

    def under_load():
        with contextlib.suppress(psutil.NoSuchProcess):  # one has just ended: look again
            family[:] = psutil.Process(run.pid).children(recursive=True)
            return any("gunicorn" in " ".join(process.cmdline()) for process in family)

    wait_until(under_load, "a lab under load", 120)
    if end == signal.SIGINT:
        os.killpg(run.pid, end)  # as Ctrl-C does in a terminal
    else:
        run.send_signal(end)
    run.wait(60)

    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    wait_until(lambda: not list(tmp_path.iterdir()), "the removal of all folders")
