"""What a load run's numbers mean. Pure functions; times in milliseconds unless they say seconds."""

from dataclasses import dataclass

from .model import RequestCost

CPU_BOUND, IO_BOUND, MIXED = "CPU-bound", "I/O-bound", "mixed"
LEAST_COMPUTING = 0.7  # share of a request's time: computing for so much makes it CPU-bound
MOST_COMPUTING = 0.3  # share of a request's time: computing for so little makes it I/O-bound
NEARLY = 0.9  # share of the best throughput; more workers to gain the rest are not worth it
CONNECTIONS = 1000  # requests that one gevent or ASGI worker has under way: worker_connections
LEAST_SLOWER = 10  # slower requests that a percentile needs; with fewer it is luck
HALF = 0.5  # share of its ceiling; a generator that uses more of it measures itself too


def percentile(times, share):
    """Return the time (ms) that this share of the requests did not exceed; None without requests.

    `times` maps a time to the number of requests that took it, as Locust's `response_times` does.
    The result is one of these times (the nearest rank), never one between two of them.
    """
    rank = share * sum(times.values())
    counted = 0
    for time in sorted(times):
        counted += times[time]
        if counted >= rank:
            return time
    return None


def rests_on_enough(requests, share):
    """Return whether so many requests are enough to name the percentile of this share."""
    return round(requests * (1 - share), 6) >= LEAST_SLOWER


def littles_law(per_s, latency_ms, think_ms):
    """Return the number of users that Little's law finds: throughput × time for one request."""
    return per_s * (latency_ms + think_ms) / 1000


def request_cost(latency_ms, service_ms, cpu_ms, queued_ms=None):
    """Return what one request costs, with the kind of request that it is.

    The kind is None where the CPU is not known, or where other programs kept the request waiting
    for a core for so long that the kind depends on whether that time is taken for waiting.
    """
    kind = None
    if cpu_ms is not None:
        kind = kind_of(cpu_ms, service_ms)
        if kind != kind_of(cpu_ms, service_ms - (queued_ms or 0)):
            kind = None
    return RequestCost(
        latency_ms=latency_ms, service_ms=service_ms, cpu_ms=cpu_ms, queued_ms=queued_ms, kind=kind
    )


def kind_of(cpu_ms, busy_ms):
    """Return the kind of a request that computes for `cpu_ms` of the `busy_ms` of its worker."""
    share = cpu_ms / max(busy_ms, cpu_ms)
    if share >= LEAST_COMPUTING:
        return CPU_BOUND
    return IO_BOUND if share <= MOST_COMPUTING else MIXED


def service_ms(latency_ms, total_ms, app_cpu_ms, cpu_ms):
    """Return for how long (ms) a request keeps its worker.

    Server-Timing's `total` is the application's part; without it only the user's latency is known.
    Around the application Gunicorn reads the request and writes the answer. Both are computing: the
    CPU time that the process used and the application did not.
    """
    busy = latency_ms if total_ms is None else total_ms
    if total_ms is not None and None not in (cpu_ms, app_cpu_ms):
        busy += max(0, cpu_ms - app_cpu_ms)
    return max(busy, cpu_ms or 0)


def slots(workers, threads, worker_class):
    """Return how many requests can be under way at once."""
    return workers * (CONNECTIONS if worker_class in ("gevent", "asgi") else threads)


@dataclass(frozen=True)
class Expected:
    """The highest throughput that is possible, and what limits it."""

    per_s: float
    limit: str  # "slots", "cores", "processes" or "users"


def expected(cost, workers, threads, worker_class, cores, users, think_ms):
    """Return the theoretical throughput: the lowest of what slots, CPU and users allow.

    A process computes on one core at a time, however many threads it has. `workers` is None for a
    lab that somebody else started: then only its users are known.
    """
    limits = {"users": users / (cost.latency_ms + think_ms) * 1000}
    if workers is not None:
        limits["slots"] = slots(workers, threads, worker_class) / cost.service_ms * 1000
        if cost.cpu_ms:
            at_once = "cores" if cores <= workers else "processes"
            limits[at_once] = min(cores, workers) / cost.cpu_ms * 1000
    # Of equal limits the first of these is named.
    order = [name for name in ("slots", "cores", "processes", "users") if name in limits]
    limit = min(order, key=limits.get)
    return Expected(limits[limit], limit)


def knee(curve):
    """Return the lowest x of (x, throughput) pairs beyond which hardly anything is gained.

    That is the last x where the throughput rises to the end, and None where there is no curve.
    """
    curve = sorted(curve)
    best = max((per_s for _, per_s in curve), default=0)
    if len(curve) < 2 or not best:
        return None
    return next(x for x, per_s in curve if per_s >= NEARLY * best)


def is_generator_bound(cpu, ceiling):
    """Return whether a generator that used `cpu` of its `ceiling` cores measured itself too."""
    return cpu is not None and cpu >= HALF * ceiling
