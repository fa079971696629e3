"""`manage.py load --classes`: the worker classes on the two calibrated pages, and what each costs.

One point for each class and page, all with the same number of workers, one after the other.
"""

from dataclasses import dataclass

from .. import run as runs
from .. import scenarios
from ..gunicorn import Gunicorn
from ..plan import Plan
from ..verdict import OTHERS, percent, several
from .run import kept

THREADS = 4  # of a gthread worker, unless something else is asked for
USERS = {"io-bound": 32, "cpu-bound": 8}  # as above: enough to keep the workers busy
EVEN = 1.2  # times its share, up to which a worker has not more to do than the others
MORE_CPU = 1.1  # times sync's CPU of a request, from which it is a cost to tell


@dataclass(frozen=True)
class Contender:
    """A worker class with the options that it runs with."""

    name: str
    worker_class: str
    threaded: bool = False
    arguments: tuple[str, ...] = ()


CONTENDERS = (
    Contender("sync", "sync"),
    Contender("gthread", "gthread", threaded=True),
    # A connection that is kept open stays with its worker. The same without.
    Contender("gthread, keep-alive 0", "gthread", True, ("--keep-alive", "0")),
    Contender("gevent", "gevent"),
    Contender("asgi", "asgi"),
)


def plans(workers, threads, users, duration_s, ms=None, only=None):
    """(Contender, Plan) of each point, in the order in which they are measured."""
    return [
        (
            contender,
            Plan(
                scenario=page,
                users=(users or USERS[page],),
                workers=(workers,),
                threads=(threads if contender.threaded else 1,),
                worker_class=contender.worker_class,
                duration_s=duration_s,
                ms=ms,
            ),
        )
        for page in scenarios.CALIBRATED
        for contender in CONTENDERS
        if only is None or contender.worker_class in only
    ]


def perform(todo, run, tell):
    """Measure each point into `run`, which is kept whatever happens. `tell` takes a Progress."""
    alones = {page: {} for page in scenarios.CALIBRATED}
    with kept(run):
        for number, (contender, plan) in enumerate(todo, 1):
            ((workers, threads, users),) = plan.points
            here = {"number": number, "of": len(todo), "variant": contender.name}
            here |= {"workers": workers, "threads": threads, "users": users}

            def told(phase, window=None, here=here):
                tell(runs.Progress(**here, phase=phase, **runs.so_far(phase, window)))

            told("starting")
            run["points"].append(measured(contender, plan, alones[plan.scenario], told))
            run["verdict"] = verdict(run["points"])
            run["warnings"] = doubts(run["points"])
            runs.save(run)


def measured(contender, plan, alones, told):
    """One point. `alones` gets what a request costs, on the first class: theory stands on that."""
    ((workers, threads, users),) = plan.points
    (target,) = scenarios.targets(plan)
    before = None
    lab = Gunicorn(workers, threads, plan.worker_class, arguments=contender.arguments)
    with lab as server:
        for phase, last, window in runs.windows(plan, target, server, users, alones):
            if phase == "alone" and last:
                alones[target.variant] = runs.cost(window)
            if phase == "measured" and before is None:
                before = server.requests_by_worker()
            told(phase, window)
        after, memory_mb = server.requests_by_worker(), server.memory_mb()
    point = runs.point_of(plan, (target, workers, threads, users), window, alones)
    answered = [count - before.get(pid, 0) for pid, count in after.items()]
    return {
        **point,
        "scenario": plan.scenario,
        "name": contender.name,
        "busiest_share": round(max(answered) / sum(answered), 3) if sum(answered) else None,
        "memory_mb": round(memory_mb, 1),
    }


def verdict(points) -> str:
    """Who answers most on each page, and what the others cost, in a few sentences. Pure."""
    sentences = []
    for page in scenarios.CALIBRATED:
        row = [point for point in points if point["scenario"] == page and point["requests"]]
        if len(row) < 2:
            continue
        best = max(row, key=lambda point: point["requests_per_s"])
        least = min(row, key=lambda point: point["requests_per_s"])
        times = best["requests_per_s"] / least["requests_per_s"] if least["requests_per_s"] else 0
        sentences.append(
            f"{page}: {best['name']} answers most, {best['requests_per_s']:.1f} requests/s, "
            f"{times:.1f} times as many as {least['name']} on "
            f"{several(best['workers'], 'workers')} each."
        )
    return " ".join([*sentences, *unevenness(points), *dear(points)])


def unevenness(points):
    """A sentence for each point whose busiest worker had clearly more to do than its share."""
    for point in points:
        share, workers = point["busiest_share"], point["workers"]
        if share and workers > 1 and share > EVEN / workers:
            yield (
                f"{point['name']} on {point['scenario']}: one of {several(workers, 'workers')} "
                f"did {percent(share)} of the work."
            )


def dear(points):
    """A sentence for each class that needs clearly more CPU for a request than sync needs."""
    # Where the page waits, what is computed is the server's own part.
    waiting = {p["name"]: p["server_cpu_ms"] for p in points if p["scenario"] == "io-bound"}
    sync = waiting.get("sync")
    for name, cpu_ms in waiting.items():
        if sync and cpu_ms and cpu_ms > MORE_CPU * sync:
            yield (
                f"{name} computes {cpu_ms:.1f} ms for a request that only waits, "
                f"{cpu_ms / sync:.1f} times what sync does."
            )


def doubts(points):
    """What makes these points less than they look, each in one line."""
    found = {
        "answers failed: they count as requests here, and are often fast": "failures",
        "the load generator was busy for more than half of what it can do": "generator_bound",
    }
    lines = [(words, [p for p in points if p[name]]) for words, name in found.items()]
    busy = [point for point in points if (point["other_cpu"] or 0) > OTHERS]
    lines.append(("other programs used the machine's cores as well", busy))
    return [
        f"{words} ({len(bad)} of {several(len(points), 'points')})" for words, bad in lines if bad
    ]
