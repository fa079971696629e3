"""Test that no process outlives the one that started it."""

import contextlib
import subprocess
import sys

import psutil
import pytest

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
        # Two shells, what they run, and the watcher.
        wait_until(lambda: len(launcher.children(recursive=True)) == 5, "the children")
        family = launcher.children(recursive=True)

        process.kill()

        assert all_end(family)
    finally:
        for left in [process, *family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.communicate()
