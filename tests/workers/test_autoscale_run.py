"""The loop of the auto-scaler, at a lab that is made up and a clock that does not wait."""

from itertools import count

import pytest

from perflab.workers import autoscale_run, control
from perflab.workers.autoscale_run import AutoscaleRun
from perflab.workers.autoscaler import Limits, Reading
from perflab.workers.scoreboard import Latency
from perflab.workers.scoreboard.latency import BUCKETS, bucket_of

LIMITS = Limits(min_workers=1, max_workers=4, target_ms=150, cool_down_s=5)


class Clock:
    """The time of the run, which passes only while the run sleeps."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class BusyLab:
    """A lab with 12 visitors who wait 600 ms each, until `calm_at`; then nobody comes."""

    port, workers, threads = 8000, 1, 1

    def __init__(self, clock, calm_at=1e9):
        self.clock, self.calm_at = clock, calm_at
        self.target, self.answers, self.is_silent, self.is_dead = 1, 0, False, False

    def read(self):
        if self.is_silent:
            raise control.ControlSocketClosed("nobody answers")
        if self.clock.now < self.calm_at:
            self.answers += 10
        counts = [0] * BUCKETS
        counts[bucket_of(600e6)] = self.answers
        latency = Latency(int(600e6) * self.answers, tuple(counts))
        busy_s = min(self.answers * 0.05, self.clock.now * self.target)
        return Reading(self.clock.now, self.target, self.answers, busy_s, 0, latency), self.target

    def target_workers(self):
        return self.target

    def set_workers(self, number):
        change = control.WorkerChange(self.target, number)
        self.target = number
        return change

    def is_alive(self):
        return not self.is_dead


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(autoscale_run, "time", clock)
    return clock


@pytest.fixture
def saved():
    """The records that a run has saved, each as it was then."""
    return []


def start(lab, saved):
    return AutoscaleRun(lab, LIMITS, "manage.py autoscale", lambda run: saved.append(dict(run)))


def test_a_run_adds_workers_under_load_removes_them_after_it_and_records_both(clock, saved):
    lab = BusyLab(clock, calm_at=clock.now + 10)
    run = start(lab, saved)

    steps = list(run.steps(duration_s=30))
    run.finish()

    changes = [(change["from"], change["to"]) for change in run.record["changes"]]
    assert changes == [(1, 2), (2, 4), (4, 3), (3, 2), (2, 1)]
    assert [step.decision.workers for step in steps if step.changed] == [2, 4, 3, 2, 1]
    assert all(change["reason"] for change in run.record["changes"])
    assert (
        len(run.record["series"]) == len(steps) == 58
    )  # two looks a second, but for the first two
    first = run.record["series"][0]
    assert (first["t_s"], first["workers"], first["requests_per_s"]) == (1, 1, 20)
    assert first["load"] == pytest.approx(12)
    assert first["p95_ms"] == pytest.approx(600, rel=0.05)
    assert (run.record["state"], run.record["workers_left"], run.workers_left) == ("done", 1, 1)
    assert "pid" not in run.record


def test_a_run_is_saved_every_few_seconds_and_at_its_end(clock, saved):
    run = start(BusyLab(clock), saved)

    for _ in run.steps(duration_s=9):
        pass
    states = [record["state"] for record in saved]
    run.finish("the lab has ended")

    assert states == ["running"] * 4
    assert saved[-1] == run.record
    assert (run.record["state"], run.record["problem"]) == ("failed", "the lab has ended")


def test_a_run_that_saw_nothing_is_not_saved(clock, saved):
    run = start(BusyLab(clock), saved)

    list(run.steps(duration_s=0.9))
    run.finish()

    assert saved == []


def test_a_lab_may_be_silent_for_a_moment_but_not_for_long(clock, saved):
    lab = BusyLab(clock)
    run = start(lab, saved)
    steps = run.steps()
    next(steps)

    lab.is_silent = True
    silent_since = clock.now
    with pytest.raises(control.ControlError, match="the lab on port 8000 has ended"):
        next(steps)

    assert 5 < clock.now - silent_since <= 6


def test_a_lab_that_comes_back_is_watched_on(clock, saved):
    lab = BusyLab(clock)
    silences = count()
    read = lab.read

    def answer_sometimes():
        if next(silences) % 8 == 7:
            raise control.ControlSocketClosed("Gunicorn starts a worker")
        return read()

    lab.read = answer_sometimes

    assert len(list(start(lab, saved).steps(duration_s=20))) == 40 - 5 - 2


def test_the_end_of_a_lab_is_noticed_at_once(clock, saved):
    lab = BusyLab(clock)
    steps = start(lab, saved).steps()
    next(steps)

    lab.is_silent = lab.is_dead = True
    began = clock.now
    with pytest.raises(control.ControlError, match="has ended"):
        next(steps)

    assert clock.now - began <= 0.5


def test_an_order_that_fails_is_decided_again_at_the_next_look(clock, saved):
    lab = BusyLab(clock)
    set_workers, failures = lab.set_workers, count()

    def fail_once(number):
        if next(failures) == 0:
            raise control.ControlSocketClosed("Gunicorn starts a worker")
        return set_workers(number)

    lab.set_workers = fail_once
    run = start(lab, saved)
    list(run.steps(duration_s=3))

    assert [(change["t_s"], change["to"]) for change in run.record["changes"]] == [(2.5, 2)]
    assert lab.target == next(failures) == 2


def test_samples_older_than_the_cool_down_are_forgotten(clock, saved):
    run = start(BusyLab(clock), saved)

    list(run.steps(duration_s=60))

    span = run.samples[-1].at - run.samples[0].at
    assert LIMITS.cool_down_s <= span < LIMITS.cool_down_s + 1


def test_a_long_run_is_kept_with_fewer_points():
    series = []
    for number in range(1000):
        series = autoscale_run.thin_out([*series, number], 100)

        assert len(series) <= 100
        assert series[-1] == number
