"""What a generator counted between two moments, and what the machine did meanwhile."""

import time
from dataclasses import dataclass, replace

from perflab.measure.machine import machine_busy_cpu_s

from .theory import percentile


@dataclass(frozen=True)
class Window:
    """The requests that were answered in `seconds`. None is what a generator does not tell."""

    seconds: float
    requests: int  # failures among them
    failures: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    users: float = 0  # mean
    think_ms: float = 0  # mean, between two requests of a user
    total_ms: float | None = None  # mean of Server-Timing's `total`
    app_cpu_ms: float | None = None  # mean of Server-Timing's `cpu`
    typical_total_ms: float | None = None  # of a user who is alone
    typical_latency_ms: float | None = None
    generator_cpu: float | None = None  # cores that the generator kept busy
    server_cpu: float | None = None
    server_queued: float | None = None  # mean number of threads that were ready and had no core
    machine_cpu: float | None = None
    cache_errors: int | None = None  # calls that the cache did not answer
    workers_changed: int = 0  # that came or went
    said: str | None = None  # by a scenario that ends with a conclusion

    @classmethod
    def from_json(cls, record):
        """Return the window of a line that locust_plugin wrote."""
        times = dict(map(tuple, record["times"]))
        seconds, requests, served = record["seconds"], record["requests"], record["served"]
        return cls(
            seconds=seconds,
            users=record["users"],
            requests=requests,
            failures=record["failures"],
            mean_ms=record["sum_ms"] / requests if requests else None,
            **{f"p{n}_ms": percentile(times, n / 100) for n in (50, 95, 99)},
            think_ms=1000 * record["thought_s"] / requests if requests else 0,
            total_ms=record["total_ms"] / served if served else None,
            app_cpu_ms=record["cpu_ms"] / served if served and record["cpu_ms"] else None,
            typical_total_ms=record["typical_total_ms"],
            typical_latency_ms=record["typical_latency_ms"],
            generator_cpu=record["generator_cpu_s"] / seconds if seconds else None,
            cache_errors=record["cache_errors"],
            said=record["said"],
        )


@dataclass(frozen=True)
class Update:
    """What a generator tells while it loads the lab.

    `phase` is "warming up", "alone" or "measured". `window` is what was counted in this phase so
    far, and None where the generator tells it only at the end.
    """

    phase: str
    is_last: bool  # of this phase
    window: Window | None


class Meter:
    """Measures since `start` the cores that were kept busy, and the workers that changed."""

    def __init__(self, server):
        self.server = server
        self.start()

    def start(self):
        """Measure from now on."""
        self.started = time.perf_counter()
        self.before = self.read()
        self.workers = self.server.worker_pids()

    def read(self):
        """Return the CPU seconds of the server, its seconds without a core, and the machine's."""
        return self.server.cpu_s(), self.server.queued_s(), machine_busy_cpu_s()

    def add_to(self, window):
        """Return the window with what was measured since the start."""
        seconds = time.perf_counter() - self.started
        names = ("server_cpu", "server_queued", "machine_cpu")
        used = {
            name: None if None in (now, before) else max(0, now - before) / seconds
            for name, now, before in zip(names, self.read(), self.before, strict=True)
        }
        changed = self.workers ^ self.server.worker_pids()
        return replace(window, **used, workers_changed=len(changed))
