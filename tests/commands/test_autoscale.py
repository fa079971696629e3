"""Test `manage.py autoscale`: what it refuses, and a real lab that grows and shrinks."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command

from perflab.base.processes import end, spawn
from perflab.workers import control, scoreboard
from tests.support.labs import ROOT
from tests.support.services import free_port, wait_until


def reversals(times_and_steps):
    """The seconds between a step and the next one in the other direction."""
    pairs = zip(times_and_steps, times_and_steps[1:], strict=False)
    return [later - at for (at, step), (later, next_) in pairs if (step > 0) != (next_ > 0)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--min=3", "--max=2"], "--min 3 is more than --max 2"),
        (["--min=0"], "--min must be a whole number from 1"),
        (["--max=1000"], "--max must be a whole number from 1"),
        (["--max=x"], "--max must be a whole number from 1"),
        (["--target-p95=0ms"], "--target-p95 must be from 1ms to 30s"),
        (["--target-p95=200"], "--target-p95 must be from 1ms to 30s"),
        (["--target-p95=31s"], "--target-p95 must be from 1ms to 30s"),
        (["--cool-down=0s"], "--cool-down must be from 1s"),
        (["--duration=8760h"], "--duration must be from 1s"),
        (["--port=99999"], "--port must be"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments, words):
    with pytest.raises(CommandError, match=re.escape(words)) as refused:
        call_command("autoscale", *arguments)

    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("may_start_servers")
def test_without_a_lab_or_its_control_socket_there_is_one_line(tmp_path, settings, monkeypatch):
    settings.VAR = tmp_path
    monkeypatch.setenv("PERFLAB_VAR", str(tmp_path))
    port = free_port()

    with pytest.raises(CommandError, match="no lab runs on port"):
        call_command("autoscale", f"--port={port}")
    scoreboard.Scoreboard(tmp_path / f"scoreboard-{port}", slots=2, threads=1)  # of this process
    with pytest.raises(CommandError, match="has no control socket"):
        call_command("autoscale", f"--port={port}")
    (tmp_path / "run" / f"gunicorn-{port}.sock").touch()
    with pytest.raises(CommandError, match="no Gunicorn takes orders"):
        call_command("autoscale", f"--port={port}")

    assert not (tmp_path / "runs").exists()


def target_workers(lab):
    """How many workers Gunicorn is to keep; 0 while it hangs up because it starts one."""
    with suppress(control.ControlError):
        return control.target_workers(lab.var / "run" / f"gunicorn-{lab.port}.sock")
    return 0


def test_a_real_lab_grows_under_a_ramp_and_shrinks_after_it_without_flapping(start_lab):
    lab = start_lab(workers=1)
    wait_until((lab.var / "run" / f"gunicorn-{lab.port}.sock").exists, "the control socket", 10)
    statuses, done = [], threading.Event()

    def ask():
        while not done.is_set():
            statuses.append(lab.get("/io-bound/?ms=50").status)

    command = [sys.executable, "manage.py", "autoscale", "--min=1", "--max=3", "--target-p95=150ms"]
    scaling = spawn(
        [*command, f"--port={lab.port}"],
        cwd=ROOT,
        env={**os.environ, "PERFLAB_VAR": str(lab.var)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    users = [threading.Thread(target=ask) for _ in range(10)]
    try:
        wait_until(lambda: list((lab.var / "runs").glob("*-autoscale-*")), "its first points")
        for user in users:  # the ramp
            user.start()
            time.sleep(0.2)
        wait_until(lambda: target_workers(lab) >= 3, "three workers")
        done.set()
        wait_until(lambda: target_workers(lab) == 1, "one worker again")
        time.sleep(0.5)  # in which it notes what it has done
        scaling.send_signal(signal.SIGINT)
        said = scaling.communicate(timeout=60)[0]
    finally:
        done.set()
        end(scaling, 1)
        for user in users:
            if user.ident:
                user.join()

    assert set(statuses) == {200}
    assert scaling.returncode == 0, said
    assert "The lab is left with 1 worker." in said
    [kept] = (lab.var / "runs").glob("*-autoscale-*")
    run = json.loads(kept.read_text())
    assert f"Kept in {kept}" in said
    assert (run["kind"], run["state"], run["workers_left"]) == ("autoscale", "done", 1)
    steps = [(change["t_s"], change["to"] - change["from"]) for change in run["changes"]]
    assert len(reversals(steps)) == 1  # up, then down
    assert min(reversals(steps)) >= 10
    first = steps[0][0]
    queueing = next(point for point in run["series"] if point["t_s"] == first)
    assert queueing["p95_ms"] > 150  # though no request took its worker much more than 50 ms
    assert queueing["load"] > 1.5 > queueing["busy"]
    assert len(run["series"]) > 30
