"""The measurement of one point: a Gunicorn, one user alone, a warm-up, and then all users."""

import contextlib
from dataclasses import replace

from perflab.base.config import count_cores

from .generators import locust, open_loop, tools
from .gunicorn import ExternalLab, Freeze, Gunicorn
from .model import ALL, Point
from .plan import LoadRefused
from .theory import expected, is_generator_bound, littles_law, request_cost, service_ms

LEAST_ALONE = 3  # requests of one user; fewer do not tell what one request costs


class Interrupted(BaseException):
    """A run is to end, by its cause. `point` is what was measured of the current point, or None."""

    def __init__(self, point):
        self.point = point


def measure_point(plan, setup, costs, progress, on_progress, report=None):
    """Measure the point of a PointSetup and return it.

    `costs` maps a variant to its RequestCost. It gets the one of this variant where it is missing,
    or None where that could not be found out. `on_progress` is called with the changed `progress`.
    Locust's own report is kept at the path `report`. Raises Interrupted for whatever ends the
    measurement, and LoadRefused.
    """
    window = opened = None
    try:
        with start_server(plan, setup) as server:
            with freezing(plan, server) as freeze:
                for update in generate(plan, setup, server, costs, report):
                    if update.phase == "measured":
                        window = update.window or window
                        freeze.begin()
                    on_progress(with_figures(progress, update))
            if plan.open_per_s:
                with freezing(plan, server) as freeze:
                    for update in open_loop.generate(
                        setup.target.path, server, plan.open_per_s, plan.duration_s
                    ):
                        freeze.begin()
                        opened = update.result
                        on_progress(replace(progress, phase="open", seconds=update.seconds))
    except LoadRefused:
        raise
    except BaseException as stop:  # Ctrl-C, SIGTERM, or a defect
        partial = None
        if window and window.requests:
            partial = replace(point_of(plan, setup, window, costs), partial=True)
        raise Interrupted(partial) from stop
    point = point_of(plan, setup, window, costs)
    return replace(point, said=window.said or None, open=opened and opened.rounded())


def start_server(plan, setup):
    """Return the lab for a point, as a context manager."""
    if plan.host:
        return contextlib.nullcontext(ExternalLab(plan.host))
    worker_class = plan.worker_class_for(setup.threads)
    return Gunicorn(setup.workers, setup.threads, worker_class, plan.port)


def freezing(plan, server):
    """Return the context manager that stops the workers during a measurement, if asked for."""
    return Freeze(server, plan.duration_s / 3, plan.freeze_s)


def generate(plan, setup, server, costs, report=None):
    """Yield an Update now and then: of one user alone where needed, then of all users.

    What one request costs is put into `costs`.
    """
    variant = setup.target.variant or ALL
    alone_s = 0 if variant in costs else seconds_alone(plan)
    for update in generator_updates(plan, setup, server, alone_s, report):
        if update.phase == "alone" and update.is_last:
            costs[variant] = cost_of(update.window)
        yield update


def generator_updates(plan, setup, server, alone_s, report):
    """Yield the Updates of the generator that the plan names."""
    warm_up_s, users, target = seconds_of_warm_up(plan), setup.users, setup.target
    own = {"own_host": plan.own_host, "workers": plan.load_workers}
    if plan.generator == "locust":
        times = plan.duration_s, warm_up_s, alone_s
        yield from locust.generate(target, server, users, *times, report=report, **own)
        return
    if alone_s:
        yield from locust.generate(target, server, users, 0, 0, alone_s, **own)
    times = plan.duration_s, warm_up_s
    yield from tools.generate(plan.generator, target.path, server, users, *times)


def seconds_alone(plan):
    """Return for how long one user is alone, before the first point of a variant."""
    return min(10, max(1, plan.duration_s / 5))


def seconds_of_warm_up(plan):
    """Return for how long all users ask before their requests count."""
    return min(3, max(0.5, plan.duration_s / 5))


def with_figures(progress, update):
    """Return where the run is after an Update."""
    window = update.window
    if update.phase != "measured" or window is None or not window.seconds:
        return replace(progress, phase=update.phase)
    return replace(
        progress,
        phase=update.phase,
        seconds=window.seconds,
        requests_per_s=window.requests / window.seconds,
        p95_ms=window.p95_ms,
    )


def cost_of(window):
    """Return the RequestCost by the window of a user who was alone; None after few requests."""
    good = window.requests - window.failures
    if good < LEAST_ALONE:
        return None
    cpu_ms, queued_ms = (
        None if busy is None else 1000 * busy * window.seconds / window.requests
        for busy in (window.server_cpu, window.server_queued)
    )
    latency_ms = window.typical_latency_ms
    busy_ms = service_ms(latency_ms, window.typical_total_ms, window.app_cpu_ms, cpu_ms)
    return request_cost(latency_ms, busy_ms, cpu_ms, queued_ms)


def point_of(plan, setup, window, costs):
    """Return the point of a measured window, with what theory says of it."""
    if window is None:
        raise LoadRefused(f"{plan.generator} gave no figures")
    variant, workers, threads = setup.target.variant, setup.workers, setup.threads
    worker_class = plan.worker_class_for(threads)
    per_s = window.requests / window.seconds
    cost = costs.get(variant or ALL)
    theory = None
    if cost and window.users:
        theory = expected(
            cost, workers, threads, worker_class, count_cores(), window.users, window.think_ms
        )
    little = None
    if window.mean_ms is not None and window.users:
        little = littles_law(per_s, window.mean_ms, window.think_ms)
    has_server_cpu = window.server_cpu is not None and window.requests > 0
    return Point(
        variant=variant,
        workers=workers,
        threads=threads,
        worker_class=worker_class,
        users=setup.users,
        users_mean=window.users,
        duration_s=window.seconds,
        requests=window.requests,
        failures=window.failures,
        requests_per_s=per_s,
        mean_ms=window.mean_ms,
        p50_ms=window.p50_ms,
        p95_ms=window.p95_ms,
        p99_ms=window.p99_ms,
        think_ms=window.think_ms,
        expected_per_s=theory and theory.per_s,
        limit=theory and theory.limit,
        little_users=little,
        little_error=little / window.users - 1 if little is not None else None,
        server_cpu=window.server_cpu,
        server_cpu_ms=1000 * window.server_cpu / per_s if has_server_cpu else None,
        server_queued=window.server_queued,
        generator_cpu=window.generator_cpu,
        other_cpu=other_cpu(window),
        cache_errors=window.cache_errors,
        workers_changed=window.workers_changed,
        generator_bound=is_generator_bound(window.generator_cpu, generator_ceiling(plan)),
    ).rounded()


def other_cpu(window):
    """Return the cores that neither server nor generator kept busy; None where one is unknown."""
    parts = (window.machine_cpu, window.server_cpu, window.generator_cpu)
    return None if None in parts else max(0, parts[0] - parts[1] - parts[2])


def generator_ceiling(plan):
    """Return how many cores the plan's generator can use."""
    if plan.generator == "locust":
        return locust.ceiling(plan.load_workers)
    return tools.ceiling(plan.generator)
