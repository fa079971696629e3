"""What a load run's numbers mean. Pure functions; times in milliseconds unless they say seconds."""

from dataclasses import dataclass

CPU_BOUND, IO_BOUND, MIXED = "CPU-bound", "I/O-bound", "mixed"
COMPUTING, WAITING = 0.7, 0.3  # shares of a request's time from and to which it is called so
NEARLY = 0.9  # of the best throughput: what is above it is no longer worth a worker
CONNECTIONS = 1000  # requests that one gevent or ASGI worker has under way: worker_connections
TAIL = 10  # slower requests that a percentile must rest on, or it is luck
HALF = 0.5  # of its own ceiling, above which a generator measures itself too


def percentile(times: dict, share: float):
    """The time (ms) that this share of the requests did not exceed; None of an empty histogram.

    `times` maps a time to how many requests took it, as Locust's `response_times` does. No value is
    made up between two times: the nearest rank.
    """
    wanted = share * sum(times.values())
    counted = 0
    for time in sorted(times):
        counted += times[time]
        if counted >= wanted:
            return time
    return None


def rests_on_enough(requests: int, share: float) -> bool:
    """Whether so many requests have enough slower ones among them to name this percentile."""
    return round(requests * (1 - share), 6) >= TAIL


def littles_law(per_s: float, latency_ms: float, think_ms: float) -> float:
    """How many users must be there, by throughput and by how long each is busy with one request."""
    return per_s * (latency_ms + think_ms) / 1000


@dataclass(frozen=True)
class Alone:
    """What one request costs while nobody else asks: the ground that the theory stands on."""

    latency_ms: float  # as its only user sees it
    service_ms: float  # for which it keeps a worker, or a thread, busy
    cpu_ms: float | None  # computing of all of Gunicorn; None where that cannot be seen

    queued_ms: float | None = None  # at most: ready to compute, and without a core

    @property
    def kind(self):
        """CPU-bound, I/O-bound or mixed; None when it cannot be told.

        That is where the CPU is not known, or other programs kept the request waiting for a core
        for so long that it makes a difference whether that time is taken for waiting.
        """
        if self.cpu_ms is None:
            return None
        with_queue = kind_of(self.cpu_ms, self.service_ms)
        without = kind_of(self.cpu_ms, self.service_ms - (self.queued_ms or 0))
        return with_queue if with_queue == without else None


def kind_of(cpu_ms, busy_ms) -> str:
    """What a request is that computes for so long while it keeps a worker busy."""
    share = cpu_ms / max(busy_ms, cpu_ms)
    return CPU_BOUND if share >= COMPUTING else IO_BOUND if share <= WAITING else MIXED


def service_ms(latency_ms, total_ms, app_cpu_ms, cpu_ms) -> float:
    """How long a request keeps its worker.

    Server-Timing's `total` is the application's part; without one all that is known is the user's
    latency. What Gunicorn does around it, reading the request and writing the answer, is computing:
    the CPU that the process used and the application did not.
    """
    busy = latency_ms if total_ms is None else total_ms
    if total_ms is not None and None not in (cpu_ms, app_cpu_ms):
        busy += max(0, cpu_ms - app_cpu_ms)
    return max(busy, cpu_ms or 0)


def slots(workers, threads, worker_class):
    """How many requests can be under way at once."""
    return workers * (CONNECTIONS if worker_class in ("gevent", "asgi") else threads)


@dataclass(frozen=True)
class Expected:
    """The most that could be answered, and what keeps it from being more."""

    per_s: float
    limit: str  # "slots", "cores", "processes" or "users"


def expected(alone: Alone, workers, threads, worker_class, cores, users, think_ms) -> Expected:
    """The theoretical throughput: the lowest of what slots, CPU and users allow.

    A process computes on one core at a time, however many threads it has. `workers` is None for a
    lab that we did not start: then only its users are known.
    """
    limits = {"users": users / (alone.latency_ms + think_ms) * 1000}
    if workers is not None:
        limits["slots"] = slots(workers, threads, worker_class) / alone.service_ms * 1000
        if alone.cpu_ms:
            at_once = "cores" if cores <= workers else "processes"
            limits[at_once] = min(cores, workers) / alone.cpu_ms * 1000
    # Of equals the first that a reader would think of.
    order = [name for name in ("slots", "cores", "processes", "users") if name in limits]
    limit = min(order, key=limits.get)
    return Expected(limits[limit], limit)


def knee(curve):
    """Of (x, throughput) pairs the lowest x beyond which hardly anything is gained.

    The last x if throughput rises to the end, and None where there is no curve.
    """
    curve = sorted(curve)
    best = max((per_s for _, per_s in curve), default=0)
    if len(curve) < 2 or not best:
        return None
    return next(x for x, per_s in curve if per_s >= NEARLY * best)


def is_generator_bound(cpu, ceiling) -> bool:
    """Whether a generator that used `cpu` cores, and can use `ceiling`, measured itself too."""
    return cpu is not None and cpu >= HALF * ceiling
