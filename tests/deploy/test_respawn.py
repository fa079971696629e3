"""Test deploy/respawn, which starts again what has ended."""

import subprocess
import time

import pytest

from tests.support.balancers import running
from tests.support.labs import ROOT
from tests.support.services import wait_until

pytestmark = pytest.mark.usefixtures("may_start_servers")


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
    done = subprocess.run(respawn(f"echo x >>{var}/starts; exit 3"), timeout=60)

    assert done.returncode == 3
    assert (var / "starts").read_text() == "x\n"


def test_respawn_waits_for_what_it_was_told_to_end(var):
    script = f"trap 'sleep .3; echo done >{var}/end; exit' TERM; echo >{var}/ready; sleep 60 & wait"

    with running(respawn(script), var / "log") as process:
        wait_until(lambda: (var / "ready").exists(), "a start")
        process.terminate()

        assert process.wait(10) == 0
    assert (var / "end").read_text() == "done\n"
