"""A whole load run, point by point, and the file in var/runs/ that keeps it."""

import contextlib
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from django.conf import settings

from perflab.base.config import count_cores
from perflab.base.files import write_json
from perflab.measure import machine

from . import open_loop_report, scenarios
from .generators import locust as by_locust
from .generators import open_loop
from .generators import tools as by_tools
from .gunicorn import Elsewhere, Freeze, Gunicorn
from .plan import LoadRefused, Plan
from .theory import Alone, expected, is_generator_bound, littles_law, service_ms
from .verdict import verdict, warnings

LEAST_ALONE = 3  # requests of one user, fewer than which say nothing of what one costs
DIGITS = {"little_error": 4}  # of figures that are given to more than 3


@dataclass(frozen=True)
class Progress:
    """Where a run is: told again and again while it goes on."""

    number: int  # of the point, from 1
    of: int
    variant: str | None
    workers: int | None
    threads: int | None
    users: int
    phase: str
    seconds: float = 0  # of the measurement, so far
    requests_per_s: float | None = None
    p95_ms: float | None = None


def seconds_alone(plan):
    """How long one user is alone, before a target's first point."""
    return min(10, max(1, plan.duration_s / 5))


def seconds_of_warm_up(plan):
    return min(3, max(0.5, plan.duration_s / 5))


def new_run(plan: Plan, command: str) -> dict:
    """The run before its first point. Raises django.db.Error when the database does not answer."""
    now = datetime.now(UTC)
    lab = {"django": None, "python": None, "database": None, "rows": None, "toolbar": None}
    if not plan.host:
        lab = machine.describe_lab() | {"toolbar": False, "gunicorn": version("gunicorn")}
    name = f"{now:%Y%m%d-%H%M%S}-{plan.scenario}-{os.getpid()}"
    return {
        "version": 1,
        "id": name,
        "date": now.isoformat(timespec="seconds"),
        "state": "running",
        "pid": os.getpid(),
        "command": command,
        "machine": machine.describe_machine(),
        "lab": {**lab, "url": plan.host, "cache": None if plan.host else cache_of(plan)},
        "client": {"python": platform.python_version(), "locust": version("locust")},
        "knobs": {**plan.knobs, **knobs_of(plan)},
        "scenario": plan.scenario,
        "generator": plan.generator,
        "generator_version": generator_version(plan.generator),
        "duration_s": plan.duration_s,
        "freeze_s": plan.freeze_s,
        "load_workers": plan.load_workers,
        "alone": {},
        "points": [],
        "verdict": "",
        "warnings": [],
    }


def cache_of(plan):
    return plan.knobs.get("cache") or settings.LAB_CACHES[0]


def knobs_of(plan):
    found = {"experiment": scenarios.slug_of(plan), "ms": None}
    if plan.scenario in scenarios.CALIBRATED:
        found["ms"] = scenarios.DEFAULT_MS if plan.ms is None else plan.ms
    return {name: value for name, value in found.items() if value is not None}


def generator_version(name):
    return f"locust {version('locust')}" if name == "locust" else by_tools.version(name)


def perform(plan: Plan, run: dict, tell=lambda progress: None, measured=lambda point: None):
    """Measure every point into `run`, which is saved after each and whatever happens.

    `tell` is called with a Progress now and then, which the file has as `now` until the run is
    over, and `measured` with each point. Whatever ends a run early, Ctrl-C or a Gunicorn that does
    not start, passes through; what was measured until then stays, a point in the midst of its
    measurement marked `"partial": true`.
    """
    alones = {}
    state = "failed"

    def told(progress):  # also to who looks into the file
        run["now"] = rounded(vars(progress))
        save(run)
        tell(progress)

    try:
        for point in points(plan, alones, told, run["id"]):
            keep(run, point, alones)
            save(run)
            measured(point)
        state = "done"
    except Interrupted as interrupted:
        state = "interrupted"
        if interrupted.point:
            keep(run, interrupted.point, alones)
            measured(interrupted.point)
        raise interrupted.__cause__ from None
    except LoadRefused as refused:
        run["problem"] = str(refused)
        raise
    finally:
        conclude(run, alones)
        end(run, state)


class Interrupted(BaseException):
    """A run is to end; its cause is what said so. `point` is what there is of the current one."""

    def __init__(self, point):
        self.point = point


def keep(run, point, alones):
    run["points"].append(point)
    run["alone"] = {
        variant or "all": {**rounded(vars(alone)), "kind": alone.kind}
        for variant, alone in alones.items()
        if alone
    }


def conclude(run, alones):
    run["verdict"] = verdict(run["points"], alones, run["machine"]["cores"])
    run["warnings"] = warnings(run["points"], run["generator"], alones)
    run["verdict"] = "\n".join(
        [run["verdict"]]
        + [point["said"] for point in run["points"] if "said" in point]
        + [*open_loop_report.sentences(run["points"], run.get("freeze_s", 0))]
    )
    run["warnings"] += open_loop_report.warnings(run["points"])


def points(plan, alones, tell, name):
    """Yield each point as it is measured; `alones` gets what one request of each variant costs.

    Locust's own reports are kept beside the run's file, by its name.
    """
    todo = [(wtu, target) for target in scenarios.targets(plan) for wtu in plan.points]
    for number, ((workers, threads, users), target) in enumerate(todo, 1):
        here = {"number": number, "of": len(todo), "variant": target.variant, "workers": workers}
        here |= {"threads": threads, "users": users}
        tell(Progress(**here, phase="starting"))
        asked = (target, workers, threads, users)
        best = opened = None
        report = report_of(name, number)
        try:
            with server_for(plan, workers, threads) as server:
                with freezing(plan, server) as freeze:
                    found = windows(plan, target, server, users, alones, report)
                    for phase, last, window in found:
                        best = window if phase == "measured" and window else best
                        tell(Progress(**here, phase=phase, **so_far(phase, window)))
                        if phase == "alone" and last:
                            alones[target.variant] = cost(window)
                        if phase == "measured":
                            freeze.begin()
                if plan.open_per_s:
                    with freezing(plan, server) as freeze:
                        ask = open_loop.load(target.path, server, plan.open_per_s, plan.duration_s)
                        for last, figures in ask:
                            freeze.begin()
                            opened = figures if last else None
                            tell(Progress(**here, phase="open", seconds=figures["seconds"]))
        except (LoadRefused, GeneratorExit):
            raise
        except BaseException as stop:  # Ctrl-C, SIGTERM, or a defect
            partial = point_of(plan, asked, best, alones) if best and best.requests else None
            raise Interrupted(partial and {**partial, "partial": True}) from stop
        point = point_of(plan, asked, best, alones)
        if best.said:
            point["said"] = best.said
        if plan.open_per_s:
            point["open"] = opened and rounded(opened)
        yield point


def freezing(plan, server):
    """What stops the workers in the midst of a measurement, if that is wished, under `with`."""
    return Freeze(server, plan.duration_s / 3, plan.freeze_s)


def server_for(plan, workers, threads):
    """The lab for a point, as a context manager."""
    if plan.host:
        return contextlib.nullcontext(Elsewhere(plan.host))
    return Gunicorn(workers, threads, plan.class_for(threads), plan.port)


def windows(plan, target, server, users, alones, report=None):
    """Yield (phase, last, Window or None) of one point: alone where not known yet, then loaded."""
    alone_s = 0 if target.variant in alones else seconds_alone(plan)
    by = (target, server, users)
    own = {"own_host": plan.own_host, "workers": plan.load_workers}
    if plan.generator == "locust":
        warm_up_s = seconds_of_warm_up(plan)
        yield from by_locust.load(*by, plan.duration_s, warm_up_s, alone_s, report=report, **own)
        return
    if alone_s:
        yield from by_locust.load(*by, 0, 0, alone_s, **own)
    warm_up_s, path = seconds_of_warm_up(plan), target.path
    yield from by_tools.load(plan.generator, path, server, users, plan.duration_s, warm_up_s)


def so_far(phase, window):
    """What a Progress tells of a measurement."""
    if phase != "measured" or window is None or not window.seconds:
        return {}
    rate = window.requests / window.seconds
    return {"seconds": window.seconds, "requests_per_s": rate, "p95_ms": window.p95_ms}


def cost(window):
    """What one request costs, from the window of a user who was alone; None if there were few."""
    good = window.requests - window.failures
    if good < LEAST_ALONE:
        return None
    cpu_ms, queued_ms = (
        None if busy is None else 1000 * busy * window.seconds / window.requests
        for busy in (window.server_cpu, window.server_queued)
    )
    latency_ms = window.typical_latency_ms
    busy_ms = service_ms(latency_ms, window.typical_total_ms, window.app_cpu_ms, cpu_ms)
    return Alone(latency_ms, busy_ms, cpu_ms, queued_ms)


def point_of(plan, asked, window, alones):
    """A point as it stands in the JSON; docs/do-more.md says what its names mean."""
    target, workers, threads, users = asked
    if window is None:
        raise LoadRefused(f"{plan.generator} told nothing")
    worker_class = plan.class_for(threads)
    per_s = window.requests / window.seconds
    alone = alones.get(target.variant)
    theory = None
    if alone and window.users:
        theory = expected(
            alone, workers, threads, worker_class, count_cores(), window.users, window.think_ms
        )
    little = None
    if window.mean_ms is not None and window.users:
        little = littles_law(per_s, window.mean_ms, window.think_ms)
    parts = (window.machine_cpu, window.server_cpu, window.generator_cpu)
    ceiling = by_tools.ceiling(plan.generator)
    if plan.generator == "locust":
        ceiling = by_locust.ceiling(plan.load_workers)
    seen = window.server_cpu is not None and window.requests > 0
    return rounded(
        {
            "variant": target.variant,
            "workers": workers,
            "threads": threads,
            "worker_class": worker_class,
            "users": users,
            "users_mean": round(window.users, 2),
            "duration_s": window.seconds,
            "requests": window.requests,
            "failures": window.failures,
            "requests_per_s": per_s,
            "mean_ms": window.mean_ms,
            "p50_ms": window.p50_ms,
            "p95_ms": window.p95_ms,
            "p99_ms": window.p99_ms,
            "think_ms": window.think_ms,
            "expected_per_s": theory and theory.per_s,
            "limit": theory and theory.limit,
            "little_users": little,
            "little_error": little / window.users - 1 if little is not None else None,
            "server_cpu": window.server_cpu,
            "server_cpu_ms": 1000 * window.server_cpu / per_s if seen else None,
            "server_queued": window.server_queued,
            "generator_cpu": window.generator_cpu,
            "other_cpu": max(0, parts[0] - parts[1] - parts[2]) if None not in parts else None,
            "generator_bound": is_generator_bound(window.generator_cpu, ceiling),
        }
    )


def rounded(figures):
    """The same with floats to as many digits as they are worth."""
    return {
        name: round(value, DIGITS.get(name, 3)) if isinstance(value, float) else value
        for name, value in figures.items()
    }


def folder():
    return settings.VAR / "runs"


def save(run):
    """Write a run into var/runs/, whole or not at all."""
    folder().mkdir(exist_ok=True)
    write_json(path_of(run), run, indent=1)


def end(run, state):
    """Save a run that nobody works on any more."""
    run["state"] = state
    del run["pid"]
    run.pop("now", None)
    save(run)


def report_of(name, number):
    """Where Locust's HTML report of a run's point, the first being 1, is kept: compressed."""
    return folder() / f"{name}-{number}.html.gz"


def path_of(run):
    return folder() / f"{run['id']}.json"
