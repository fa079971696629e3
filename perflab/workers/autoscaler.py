"""How many workers should there be? The decision of `manage.py autoscale`, without its hands.

`Sample.between` makes a sample of two readings of the scoreboard, `decide` a number of workers of
the latest samples. Both are pure: time is what the samples say.
"""

import math
from dataclasses import dataclass

ROOMY = 0.7  # requests under way for each that workers can take: the rest is room for chance
FULL = 0.8  # from here on visitors queue; above ROOMY, so that fewer workers are still enough
CORES_FULL = 0.9  # beyond it there is nothing to share out
UP_S = 1.0  # for so long more workers must be wanted; nor does anything else change sooner
JITTER_S = 0.05  # by which samples may come late
PERCENTILE = 0.95
DOUBLE = 2  # at most, in one step


@dataclass(frozen=True)
class Limits:
    """What the scaler was told."""

    least: int = 1
    most: int = 8
    target_ms: float = 200  # of the p95
    cool_down_s: float = 10  # for so long fewer workers must have been enough
    threads: int = 1  # of each worker
    cores: int = 2


@dataclass(frozen=True)
class Sample:
    """The last second or two, up to `at`."""

    at: float  # seconds
    workers: int  # that Gunicorn has to keep
    ready: int  # that serve
    busy: float  # requests in workers, in the mean
    load: float  # requests under way, in the mean, those at the door included
    per_s: float
    p95_ms: float | None  # as visitors saw it; None where nothing was answered
    cpu: float = 0  # cores that the workers kept busy

    @classmethod
    def between(cls, before, now, workers, p95_since=None):
        """From two readings; the p95 may go back to a third one, to rest on more answers."""
        seconds = now.at - before.at
        latency = now.latency.since(before.latency)
        busy = max(0, now.busy_s - before.busy_s) / seconds
        return cls(
            at=now.at,
            workers=workers,
            ready=now.ready,
            busy=busy,
            # Little's law: so many are there whose waiting adds up to this.
            load=max(busy, latency.ns / 1e9 / seconds),
            per_s=max(0, now.requests - before.requests) / seconds,
            p95_ms=now.latency.since((p95_since or before).latency).percentile_ms(PERCENTILE),
            cpu=max(0, now.cpu_s - before.cpu_s) / seconds,
        )


@dataclass(frozen=True)
class Reading:
    """The counters of a lab as they stand at one moment."""

    at: float
    ready: int
    requests: int
    busy_s: float
    cpu_s: float
    latency: object  # scoreboard.Latency


@dataclass(frozen=True)
class Decision:
    """How many workers there are to be, and why."""

    workers: int
    reason: str


def decide(samples, limits: Limits) -> Decision:
    """The workers that there are to be now, from samples that go back for the cool-down.

    Up is quick: the least that was wanted at any moment of the last second, at most twice as many
    as there are. Down is slow: one by one, and only to the most that was wanted at any moment of
    the cool-down. So what was added stays for as long at least.
    """
    now = samples[-1]
    if not limits.least <= now.workers <= limits.most:
        return Decision(min(max(now.workers, limits.least), limits.most), "min and max")
    lately = within(samples, UP_S)
    if not lately or any(sample.workers != now.workers for sample in lately):
        return Decision(now.workers, "the last change is too recent")
    quick = min((wish(sample, limits) for sample in lately), key=number)
    if quick.workers > now.workers:
        return quick
    cooled = within(samples, limits.cool_down_s)
    if cooled:
        slow = max((wish(sample, limits) for sample in cooled), key=number)
        if slow.workers < now.workers:
            enough = f"{slow.workers} have been enough for {limits.cool_down_s:g} s"
            return Decision(now.workers - 1, enough)
    latest = wish(now, limits)
    return Decision(now.workers, latest.reason if latest.workers >= now.workers else "cooling down")


def within(samples, seconds):
    """The samples of the last `seconds`; none where they do not go back so far."""
    since = samples[-1].at - seconds
    if samples[0].at > since:
        return []
    return [sample for sample in samples if sample.at >= since - JITTER_S]


def number(decision):
    return decision.workers


def wish(sample: Sample, limits: Limits) -> Decision:
    """What one sample alone would have."""
    workers = sample.workers
    slots = limits.threads * ROOMY
    if sample.ready < workers:
        return Decision(workers, "a worker is starting")
    # Not by `busy`: what a worker does between two requests, or while it has no core, is not in it.
    full = sample.load >= FULL * sample.ready * limits.threads
    late = sample.p95_ms > limits.target_ms if sample.p95_ms is not None else full
    if not (full and late):
        enough = min(workers, max(limits.least, math.ceil(sample.load / slots)))
        reason = "the page itself takes so long, nobody queues" if late else "in time"
        return Decision(enough, reason)
    if workers >= limits.cores and sample.cpu >= CORES_FULL * limits.cores:
        return Decision(workers, "the cores are full: more workers would only share them")
    if workers >= limits.most:
        return Decision(workers, "that is the max")
    wanted = max(workers + 1, math.ceil(sample.load / slots))
    reason = f"p95 above {limits.target_ms:g} ms and visitors queue"
    return Decision(min(wanted, DOUBLE * workers, limits.most), reason)


def thinned(series, most):
    """A series that has grown beyond `most`, with every other point; the last one stays."""
    return series if len(series) <= most else series[len(series) % 2 == 0 :: 2]
