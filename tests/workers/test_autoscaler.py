"""Test the auto-scaler's decisions, on a recorded ramp among others."""

import json
from dataclasses import replace

import pytest

from perflab.workers import scoreboard
from perflab.workers.autoscaler import Decision, Limits, Reading, Sample, decide
from tests.support.labs import ROOT

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
        needed = decide(samples, LIMITS).workers
        if needed != workers:
            steps.append((at, needed - workers))
            workers = needed

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
