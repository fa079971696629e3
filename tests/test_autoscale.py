"""The auto-scaler: its decision on a recorded ramp, and a real lab that grows and shrinks."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from perflab.base.processes import end, spawn
from perflab.workers import control, scoreboard
from perflab.workers.autoscaler import Decision, Limits, Reading, Sample, decide
from perflab.workers.scoreboard.latency import BUCKETS, bucket_of
from tests.labs import ROOT
from tests.services import free_port, wait_until

LIMITS = Limits(min_workers=1, max_workers=8, target_ms=200, cool_down_s=10)


RECORDED = json.loads((ROOT / "tests" / "recorded" / "autoscale.json").read_text())


def samples_of(run):
    """The samples that a kept run was decided by."""
    names = ("workers", "ready", "busy", "load", "p95_ms")
    return [
        Sample(
            at=point["t_s"],
            per_s=point["requests_per_s"],
            cpu=point["server_cpu"],
            **{name: point[name] for name in names},
        )
        for point in run["series"]
    ]


def steadily(sample, seconds):
    """The same twice a second, for so long, and up to its own time."""
    return [replace(sample, at=sample.at - ago / 2) for ago in range(int(2 * seconds), -1, -1)]


def reversals(times_and_steps):
    """The seconds between a step and the next one in the other direction."""
    pairs = zip(times_and_steps, times_and_steps[1:], strict=False)
    return [later - at for (at, step), (later, next_) in pairs if (step > 0) != (next_ > 0)]


# The decision.


def test_the_recorded_ramp_is_decided_as_it_was():
    limits = Limits(min_workers=1, max_workers=4, target_ms=150, cool_down_s=10)
    samples = samples_of(RECORDED)
    changes = {change["t_s"]: change for change in RECORDED["changes"]}
    ahead = [change["to"] - change["from"] for change in RECORDED["changes"]]

    for number, sample in enumerate(samples, 1):
        decision = decide(samples[:number], limits)
        change = changes.get(sample.at, {"to": sample.workers, "reason": decision.reason})
        assert (decision.workers, decision.reason) == (change["to"], change["reason"])

    assert len(changes) == len(ahead) >= 4
    assert max(sample.workers for sample in samples) >= 3
    ways = [step > 0 for step in ahead]
    assert ways == sorted(ways, reverse=True)  # all the way up, then all the way down


@pytest.mark.parametrize("period_s", [4, 8, 15, 40])
def test_load_that_comes_and_goes_never_makes_it_flap(period_s):
    """A model of the closed loop: 50 ms pages, users who come for half a period and go."""
    workers, samples, steps = 1, [], []

    for tick in range(400):
        at = tick / 2
        users = 12 if at % period_s < period_s / 2 else 0
        p95_ms = 50 * max(1, users / workers) if users else None
        busy = min(users, workers)
        samples.append(Sample(at, workers, workers, busy, users, 20 * busy, p95_ms))
        wanted = decide(samples, LIMITS).workers
        if wanted != workers:
            steps.append((at, wanted - workers))
            workers = wanted

    assert max(step for _, step in steps) >= 1
    assert all(
        later - at >= 10
        for (at, step), (later, next_) in zip(steps, steps[1:], strict=False)
        if step > 0 > next_
    )
    if period_s < 10:  # the cool-down sees the load come back
        assert not any(step < 0 for _, step in steps)


BUSY = Sample(20, workers=2, ready=2, busy=2, load=6, per_s=40, p95_ms=300)


@pytest.mark.parametrize(
    ("sample", "workers", "reason"),
    [
        (BUSY, 4, "p95 above 200 ms"),
        (replace(BUSY, busy=1.2), 4, "p95 above"),  # they queue, and workers have no core
        (replace(BUSY, load=2.05), 3, "p95 above 200 ms"),
        (replace(BUSY, p95_ms=200), 2, "in time"),
        (replace(BUSY, p95_ms=None), 4, "p95 above"),  # busy, and not one answer
        (replace(BUSY, ready=1), 2, "a worker is starting"),
        (replace(BUSY, busy=1.5, load=1.5), 2, "the page itself"),
        (replace(BUSY, cpu=1.9), 2, "the cores are full"),
        (replace(BUSY, workers=1, ready=1, busy=1, cpu=1), 2, "p95 above"),
        (replace(BUSY, workers=8, ready=8, busy=8, load=20), 8, "as --max allows"),
        (replace(BUSY, workers=7, ready=7, busy=7, load=50), 8, "p95 above"),
        (replace(BUSY, workers=9, ready=9), 8, "between --min and --max"),
        (replace(BUSY, busy=0, load=0, p95_ms=None), 1, "1 worker has been enough for 10 s"),
        (replace(BUSY, workers=4, ready=4, busy=0, load=0), 3, "1 worker has been enough"),
        (replace(BUSY, workers=3, ready=3, busy=1.4, load=1.5, p95_ms=60), 3, "in time"),
    ],
)
def test_what_lasts_is_answered(sample, workers, reason):
    decision = decide(steadily(sample, 12), LIMITS)

    assert decision.workers == workers
    assert reason in decision.reason


def test_up_takes_a_second_and_down_the_whole_cool_down():
    idle = replace(BUSY, busy=0, load=0, p95_ms=None)
    calm = replace(BUSY, p95_ms=100)

    assert decide([*steadily(replace(calm, at=19.5), 12), BUSY], LIMITS).workers == 2
    assert decide([*steadily(replace(calm, at=18.5), 12), *steadily(BUSY, 1)], LIMITS).workers == 4
    assert decide(steadily(idle, 9.5), LIMITS).workers == 2
    assert decide([*steadily(replace(calm, at=10.5), 3), *steadily(idle, 9)], LIMITS).workers == 2
    assert decide([*steadily(replace(calm, at=9.5), 3), *steadily(idle, 10)], LIMITS).workers == 1
    fewer = [replace(BUSY, workers=1, at=at) for at in (18, 19.5)]
    assert decide([*fewer, BUSY], LIMITS) == Decision(2, "the last change is too recent")
    assert decide([BUSY], Limits(min_workers=3)).workers == 3


def test_samples_are_differences_of_counters_and_the_load_is_by_littles_law(tmp_path):
    board = scoreboard.Scoreboard(tmp_path / "board", slots=2, threads=1)
    number = board.reserve_slot()
    writer = scoreboard.SlotWriter(board, number, threaded=False)

    def reading(at, busy_s, requests):
        return Reading(at, 1, requests, busy_s, 0.1 * at, scoreboard.snapshot(board.path).latency)

    before = reading(10, 0, 0)
    for waited_ms in [100] * 18 + [400] * 2:
        writer.begin_request(queued_ns=waited_ms * 1_000_000)
        writer.end_request()
    board.release_slot(number)  # what an ended worker has answered is not lost
    sample = Sample.between(before, reading(12, 1, 20), 3)

    assert (sample.at, sample.workers, sample.ready) == (12, 3, 1)
    assert (sample.busy, sample.per_s, sample.cpu) == (0.5, 10, pytest.approx(0.1))
    assert sample.load == pytest.approx((18 * 0.1 + 2 * 0.4) / 2, rel=0.05)
    assert sample.p95_ms == pytest.approx(400, rel=0.06)
    assert Sample.between(reading(12, 1, 20), reading(13, 1, 20), 3).p95_ms is None


def test_a_bucket_holds_its_time_to_5_percent():
    for ms in (0.1, 0.3, 1, 7, 49, 50, 51, 999, 31_000, 10**6):
        counts = [0] * BUCKETS
        counts[bucket_of(ms * 1e6)] = 1
        told = scoreboard.Latency(0, tuple(counts)).percentile_ms(0.95)
        assert told == pytest.approx(min(max(ms, 0.25), 32_000), rel=0.05)


# The command.


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
        wait_until(lambda: list((lab.var / "runs").glob("*-autoscale-*")), "its first points", 20)
        for user in users:  # the ramp
            user.start()
            time.sleep(0.2)
        wait_until(lambda: target_workers(lab) >= 3, "three workers", 20)
        done.set()
        wait_until(lambda: target_workers(lab) == 1, "one worker again", 25)
        time.sleep(0.5)  # in which it notes what it has done
        scaling.send_signal(signal.SIGINT)
        said = scaling.communicate(timeout=10)[0]
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
