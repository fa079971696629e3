"""Test that no process outlives the one that started it."""

import contextlib
import signal
import subprocess
import sys

import psutil
import pytest

from perflab.base import watcher
from tests.support.labs import ROOT
from tests.support.launcher import all_end
from tests.support.services import tie_to_parent, wait_until


@pytest.mark.usefixtures("may_start_servers")
def test_elsewhere_than_on_linux_a_watcher_ends_the_children(tmp_path):
    """Run with the kernel's help switched off, as on macOS."""
    program = (
        "import sys, time; from perflab.base import processes\n"
        "processes.LINUX = False\n"
        "children = [processes.spawn(['sh', '-c', 'sleep 300 & wait']) for _ in range(2)]\n"
        "print(*[child.pid for child in children], flush=True)\n"
        "time.sleep(300)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=tie_to_parent(),
    )
    family = []
    try:
        process.stdout.readline()  # both are there
        launcher = psutil.Process(process.pid)
        # The watcher, and two shells with what they run.
        wait_until(lambda: len(launcher.children(recursive=True)) == 5, "the children")
        family = launcher.children(recursive=True)

        process.kill()

        assert all_end(family)
    finally:
        for left in [process, *family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.communicate()


@pytest.mark.usefixtures("may_start_servers")
def test_the_watcher_kills_what_does_not_end():
    """One group ignores SIGTERM, one is stopped, and one was named but has ended since."""
    sleeping = "import signal, sys, time; print(flush=True); time.sleep(300)"
    ignoring = sleeping.replace("print", "signal.signal(15, signal.SIG_IGN); print")
    groups = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            process_group=0,
            preexec_fn=tie_to_parent(),
        )
        for program in (ignoring, sleeping, sleeping)
    ]
    try:
        for process in groups:
            process.stdout.readline()  # it has begun
        stubborn, stopped, spared = groups
        stopped.send_signal(signal.SIGSTOP)
        names = "".join(f"+{process.pid}\n" for process in groups) + f"-{spared.pid}\n"

        command = [sys.executable, "-I", "-S", watcher.__file__, "0.5"]
        subprocess.run(command, input=names, text=True, check=True, timeout=30)

        assert stubborn.wait(10) == -signal.SIGKILL
        assert stopped.wait(10) == -signal.SIGTERM
        assert spared.poll() is None
    finally:
        for process in groups:
            process.kill()
            process.communicate()


@pytest.mark.usefixtures("may_start_servers")
def test_a_signal_to_stop_never_comes_within_a_poll():
    """Popen's lock would stay taken, and the launcher would wait for its child without end."""
    program = (
        "import os, signal, subprocess; from perflab.base import processes\n"
        "def interrupted(self):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    self.was_polled = True\n"
        "processes.stop_on_signals()\n"
        "child = processes.spawn(['sleep', '300'])\n"
        "poll, subprocess.Popen.poll = subprocess.Popen.poll, interrupted\n"
        "try: child.poll()\n"
        "except processes.Stopped: print(child.was_polled)\n"
        "subprocess.Popen.poll = poll\n"
        "processes.end(child)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)
