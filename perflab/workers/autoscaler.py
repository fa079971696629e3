"""How many workers a lab needs: the decision of `manage.py autoscale`.

`Sample.between` makes a sample of two readings of the scoreboard, and `decide` makes a number of
workers of the latest samples. Both are pure: the only clock is the time in the samples.
"""

import math
from dataclasses import dataclass

# Loads are shares of the requests that the workers can serve at the same time. FULL_LOAD is above
# TARGET_LOAD, so that a change does not cause the opposite change.
TARGET_LOAD = 0.7  # the number of workers is computed for this; the rest is room for variation
FULL_LOAD = 0.8  # from here on visitors queue
FULL_CORES = 0.9  # share of the cores beyond which more workers would only share them
GROW_AFTER_S = 1.0  # for so long more workers must be needed; the shortest time between two changes
LATE_SAMPLE_S = 0.05  # a sample may come so late
PERCENTILE = 0.95
MAX_GROWTH = 2  # one change at most doubles the workers


@dataclass(frozen=True)
class Limits:
    """The options of the auto-scaler, and what it runs on."""

    min_workers: int = 1
    max_workers: int = 8
    target_ms: float = 200  # of the p95
    cool_down_s: float = 10  # for so long fewer workers must have been enough
    threads: int = 1  # of each worker
    cores: int = 2


@dataclass(frozen=True)
class Sample:
    """What happened in the last second or two, up to `at`."""

    at: float  # seconds
    workers: int  # that Gunicorn has to keep
    ready: int  # workers that serve
    busy: float  # requests in workers, on average
    load: float  # requests under way, on average, those that queue included
    per_s: float  # answers per second
    p95_ms: float | None  # as visitors saw it; None where nothing was answered
    cpu: float = 0  # cores that the workers kept busy

    @classmethod
    def between(cls, before, now, workers, p95_since=None):
        """Return the Sample between two Readings.

        The p95 may go back to an earlier Reading, `p95_since`, so that it rests on more answers.
        """
        seconds = now.at - before.at
        latency = now.latency.since(before.latency)
        busy = max(0, now.busy_s - before.busy_s) / seconds
        return cls(
            at=now.at,
            workers=workers,
            ready=now.ready,
            busy=busy,
            # Little's law: the requests under way are all waiting time, divided by the time.
            load=max(busy, latency.ns / 1e9 / seconds),
            per_s=max(0, now.requests - before.requests) / seconds,
            p95_ms=now.latency.since((p95_since or before).latency).percentile_ms(PERCENTILE),
            cpu=max(0, now.cpu_s - before.cpu_s) / seconds,
        )


@dataclass(frozen=True)
class Reading:
    """The counters of a lab as they stand at one moment."""

    at: float  # seconds
    ready: int  # workers that serve
    requests: int
    busy_s: float
    cpu_s: float
    latency: object  # scoreboard.Latency


@dataclass(frozen=True)
class Decision:
    """How many workers the lab should have, and why."""

    workers: int
    reason: str


def decide(samples, limits):
    """Return the Decision for now, from samples that go back for the cool-down.

    Growth is quick: the smallest number that was needed at any moment of the last second, at most
    double what there is. Shrinking is slow: one worker at a time, and only down to the largest
    number that was needed at any moment of the cool-down. So a new worker stays at least as long.
    """
    now = samples[-1]
    if not limits.min_workers <= now.workers <= limits.max_workers:
        bounded = min(max(now.workers, limits.min_workers), limits.max_workers)
        return Decision(bounded, "the workers must lie between --min and --max")
    last_second = last_samples(samples, GROW_AFTER_S)
    if not last_second or any(sample.workers != now.workers for sample in last_second):
        return Decision(now.workers, "the last change is too recent")
    least = min((workers_needed(sample, limits) for sample in last_second), key=number_of_workers)
    if least.workers > now.workers:
        return least
    cool_down = last_samples(samples, limits.cool_down_s)
    if cool_down:
        most = max((workers_needed(sample, limits) for sample in cool_down), key=number_of_workers)
        if most.workers < now.workers:
            return Decision(now.workers - 1, enough(most.workers, limits.cool_down_s))
    latest = workers_needed(now, limits)
    return Decision(now.workers, latest.reason if latest.workers >= now.workers else "cooling down")


def last_samples(samples, seconds):
    """Return the samples of the last `seconds`, or none where they do not go back so far."""
    since = samples[-1].at - seconds
    if samples[0].at > since:
        return []
    return [sample for sample in samples if sample.at >= since - LATE_SAMPLE_S]


def number_of_workers(decision):
    """Return the key by which decisions are compared."""
    return decision.workers


def enough(workers, seconds):
    """Return the reason for fewer workers."""
    noun = "worker has" if workers == 1 else "workers have"
    return f"{workers} {noun} been enough for {seconds:g} s"


def workers_needed(sample, limits):
    """Return the Decision that one sample alone would make."""
    workers = sample.workers
    if sample.ready < workers:
        return Decision(workers, "a worker is starting")
    # `busy` is not the measure: it lacks the time that a worker needs between two requests, and the
    # time in which it waits for a core.
    is_full = sample.load >= FULL_LOAD * sample.ready * limits.threads
    is_late = sample.p95_ms > limits.target_ms if sample.p95_ms is not None else is_full
    needed = math.ceil(sample.load / (limits.threads * TARGET_LOAD))
    if not (is_full and is_late):
        reason = "the page itself takes so long, nobody queues" if is_late else "in time"
        return Decision(min(workers, max(limits.min_workers, needed)), reason)
    if workers >= limits.cores and sample.cpu >= FULL_CORES * limits.cores:
        return Decision(workers, "the cores are full: more workers would only share them")
    if workers >= limits.max_workers:
        return Decision(workers, "there are as many workers as --max allows")
    needed = max(workers + 1, needed)
    reason = f"p95 above {limits.target_ms:g} ms and visitors queue"
    return Decision(min(needed, MAX_GROWTH * workers, limits.max_workers), reason)
