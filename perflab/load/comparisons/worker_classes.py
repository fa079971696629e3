"""The worker classes on the two calibrated pages, and what each costs: `manage.py compare_classes`.

There is one point for each class and page, all with the same number of workers, one after another.
"""

from dataclasses import dataclass, replace

from .. import measurement, scenarios, store, verdict, wording
from ..gunicorn import Gunicorn
from ..model import Point
from ..plan import Plan
from ..run import progress_of, recording

THREADS = 4  # of a gthread worker, unless another number is asked for
USERS = {"io-bound": 32, "cpu-bound": 8}  # unless another number is asked for; all workers are busy
DURATION_S = 20
UNEVEN = 1.2  # times its share; a worker that did more of the work had more than the others
MORE_CPU = 1.1  # times sync's CPU for a request; a class that needs more is named
CHECKED = ("failures", "generator_bound", "other_programs")  # warnings


@dataclass(frozen=True)
class TestedClass:
    """A worker class with the options that it runs with."""

    name: str
    worker_class: str
    threaded: bool = False
    arguments: tuple[str, ...] = ()


TESTED = (
    TestedClass("sync", "sync"),
    TestedClass("gthread", "gthread", threaded=True),
    # A connection that is kept open stays with its worker, so the class is also tested without.
    TestedClass("gthread, keep-alive 0", "gthread", True, ("--keep-alive", "0")),
    TestedClass("gevent", "gevent"),
    TestedClass("asgi", "asgi"),
)


@dataclass(frozen=True)
class ClassFinding:
    """What the points show. `point` is the class of which it is said. The codes:

    "most": it answers most on a page, `times` as much as `other`, which answers least.
    "uneven_workers": its busiest worker had clearly more to do than its share.
    "cpu_cost": it needs clearly more CPU for a request than sync, `times` as much.
    """

    code: str
    point: Point
    other: Point | None = None
    times: float = 0


def plans(workers, threads, users, duration_s, ms=None):
    """Return each class with the Plan of its point, in the order in which they are measured."""
    return [
        (
            tested,
            Plan(
                scenario=page,
                users=(users or USERS[page],),
                workers=(workers,),
                threads=(threads if tested.threaded else 1,),
                worker_class=tested.worker_class,
                duration_s=duration_s,
                ms=ms,
            ),
        )
        for page in scenarios.CALIBRATED
        for tested in TESTED
    ]


def perform(todo, run, on_progress):
    """Measure each point into `run`, which is written after each, and whatever happens.

    `on_progress` is called with a Progress now and then.
    """
    costs = {page: {} for page in scenarios.CALIBRATED}
    with recording(run):
        for number, (tested, plan) in enumerate(todo, 1):
            (setup,) = scenarios.point_setups(plan)
            progress = replace(progress_of(setup, number, len(todo)), variant=tested.name)
            on_progress(progress)
            point = measure_class(tested, plan, costs[plan.scenario], progress, on_progress)
            run.points.append(point)
            run.verdict = wording.describe_classes(judge(run.points))
            run.warnings = [wording.count_warning(one) for one in warnings(run.points)]
            store.write(run)


def measure_class(tested, plan, costs, progress, on_progress):
    """Measure one point and return it.

    `costs` gets what a request costs on the first class that is measured: theory stands on that.
    """
    (setup,) = scenarios.point_setups(plan)
    before = None
    lab = Gunicorn(setup.workers, setup.threads, plan.worker_class, arguments=tested.arguments)
    with lab as server:
        for update in measurement.generate(plan, setup, server, costs):
            if update.phase == "measured" and before is None:
                before = server.requests_by_worker()
            on_progress(measurement.with_figures(progress, update))
        after, memory_mb = server.requests_by_worker(), server.memory_mb()
    point = measurement.point_of(plan, setup, update.window, costs)
    answered = [count - before.get(pid, 0) for pid, count in after.items()]
    return replace(
        point,
        scenario=plan.scenario,
        name=tested.name,
        busiest_share=max(answered) / sum(answered) if sum(answered) else None,
        memory_mb=memory_mb,
    ).rounded()


def judge(points):
    """Return who answers most on each page, and what the others cost. Pure."""
    found = []
    for page in scenarios.CALIBRATED:
        answering = [point for point in points if point.scenario == page and point.requests]
        if len(answering) >= 2:
            best = max(answering, key=lambda point: point.requests_per_s)
            least = min(answering, key=lambda point: point.requests_per_s)
            per_s = least.requests_per_s
            times = best.requests_per_s / per_s if per_s else 0
            found.append(ClassFinding("most", best, least, times))
    return [*found, *uneven_workers(points), *cpu_costs(points)]


def uneven_workers(points):
    """Return the points whose busiest worker had clearly more to do than its share."""
    return [
        ClassFinding("uneven_workers", point)
        for point in points
        if point.busiest_share and point.workers > 1
        if point.busiest_share > UNEVEN / point.workers
    ]


def cpu_costs(points):
    """Return the classes that need clearly more CPU for a request than sync needs."""
    # Where the page only waits, all computing is the server's own.
    waiting = {p.name: p for p in points if p.scenario == "io-bound" and p.server_cpu_ms}
    sync_ms = waiting["sync"].server_cpu_ms if "sync" in waiting else None
    return [
        ClassFinding("cpu_cost", point, times=point.server_cpu_ms / sync_ms)
        for point in waiting.values()
        if sync_ms and point.server_cpu_ms > MORE_CPU * sync_ms
    ]


def warnings(points):
    """Return what makes these points less reliable than they look."""
    return [one for one in verdict.warnings(points, {}) if one.code in CHECKED]
