"""What a load run shows: where the knee is, what limited it, and what to be wary of. Pure.

Findings are codes and figures; `wording` puts them into words.
"""

from dataclasses import dataclass

from .model import ALL, OpenLoop, Point
from .theory import CPU_BOUND, IO_BOUND, NEARLY, knee, rests_on_enough

AXES = ("workers", "threads", "users")
WRONG = 0.1  # an error of Little's law above it is a warning
OTHERS = 0.3  # cores; a warning when other programs used more
SHORT = 0.7  # share of the theoretical line; a point below it falls short
OMITTED = 2  # times the closed loop's p95; from there on it has left out slow requests
FAILED = 0.01  # share of the requests; a point with more failures gets no verdict
LATE = 0.01  # share of the requests on a schedule that may be sent late


@dataclass(frozen=True)
class Caveat:
    """What else may have limited a point: "generator", "other_programs" or "shared_cores"."""

    code: str
    number: float = 0  # cores that other programs used; workers that share the cores


@dataclass(frozen=True)
class Obstacle:
    """Why there is no verdict on a point: "failures", "cache_errors" or "workers_changed"."""

    code: str
    number: int  # of requests that failed, calls without an answer, workers that came or went


@dataclass(frozen=True)
class Finding:
    """What one curve of a run, or one point, shows. These are the codes:

    "not_judged": the lab cannot stand behind a verdict, because of the `obstacles` at `at`.
    "rises": throughput still rises at `at`, the last point.
    "falls_short": it does, and is far below the theoretical line.
    "knee": beyond `at` hardly anything is gained.
    "no_gain": that is so from the first point on.
    "saturated": beyond `at`, a number of users, more users only wait.
    "nothing_answered": no point of the curve has answers.
    "single": there is one point only.
    """

    code: str
    variant: str | None
    kind: str | None  # of a request: CPU-bound, I/O-bound, mixed or not known
    beside: tuple[tuple[int, str], ...]  # what tells this curve from others, as (2, "workers")
    axis: str | None  # what varies along the curve
    at: Point
    last: Point
    best: Point
    gets_less: bool = False  # whether the last point is clearly below the best
    reason: str | None = None  # "users", "processes", "your_cores", "cores": what limits it
    share: float | None = None  # of the theoretical throughput
    caveats: tuple[Caveat, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    cores: int = 0


@dataclass(frozen=True)
class LoopFinding:
    """What requests on a schedule found beside users who wait for each answer. The codes:

    "queue_grew": more was asked for than was served.
    "omission": the closed loop has left out slow requests.
    "agree": it has not.
    "open_only": the closed loop has no p95.
    """

    code: str
    point: Point
    opened: OpenLoop
    freeze_s: float


@dataclass(frozen=True)
class RunWarning:
    """What makes figures less reliable than they look. `where` is empty when it is the whole run.

    The codes: "cost_unsure", "failures", "generator_bound", "few_samples", "little_error",
    "other_programs", "open_late", "open_failures".
    """

    code: str
    where: tuple[Point, ...] = ()
    of: int = 0  # points of the run
    latest_ms: float = 0


def judge(points, costs, cores):
    """Return a finding for each curve among the points; none without a measured point.

    `costs` maps a variant, or "all", to its RequestCost.
    """
    return [
        judge_curve(axis, curve, beside, costs.get(curve[0].variant or ALL), cores)
        for axis, curve, beside in curves(points)
    ]


def curves(points):
    """Return (axis, points, beside) of each curve among the points that were measured.

    The axis is what varies along the curve, None for a single point. What tells a curve from the
    others is `beside`: pairs such as (2, "workers").
    """
    points = [point for point in points if point.is_measured()]
    varied = [name for name in AXES if len({getattr(point, name) for point in points}) > 1]
    axis = varied[0] if varied else None

    groups = {}
    for point in points:
        others = (point.variant, *(getattr(point, name) for name in AXES if name != axis))
        groups.setdefault(others, []).append(point)
    found = []
    for group in groups.values():
        beside = tuple((getattr(group[0], name), name) for name in varied[1:])
        found.append((axis if len(group) > 1 else None, group, beside))
    return found


def judge_curve(axis, curve, beside, cost, cores):
    """Return what one curve, or one point, shows."""
    kind = cost.kind if cost else None
    best = max(curve, key=lambda point: point.requests_per_s)
    first, last = best, best
    if axis:
        first, last = (pick(curve, key=lambda point: getattr(point, axis)) for pick in (min, max))

    def finding(code, at, **more):
        about = {"variant": curve[0].variant, "kind": kind, "beside": beside, "axis": axis}
        return Finding(code, **about, at=at, last=last, best=best, cores=cores, **more)

    for point in curve:
        if found := find_obstacles(point):
            return finding("not_judged", point, obstacles=found)
    if axis is None:
        share = share_of_theory(best)
        is_short = share is not None and share < SHORT
        return finding("single", best, share=share, caveats=caveats(best, cores, is_short))
    x = knee((getattr(point, axis), point.requests_per_s) for point in curve)
    if x is None:
        return finding("nothing_answered", best)
    at = next(point for point in curve if getattr(point, axis) == x)
    if at is last:
        share = share_of_theory(at)
        is_short = share is not None and share < SHORT
        code = "falls_short" if is_short else "rises"
        return finding(code, at, share=share, caveats=caveats(at, cores, is_short))
    if axis == "users":
        gets_less = last.requests_per_s < NEARLY * at.requests_per_s
        return finding("saturated", at, gets_less=gets_less, caveats=caveats(last))
    gets_less = last.requests_per_s < NEARLY * best.requests_per_s
    return finding(
        "no_gain" if at is first else "knee",
        at,
        gets_less=gets_less,
        reason=reason(at, kind, cores),
        caveats=caveats(last if gets_less else best),
    )


def find_obstacles(point):
    """Return why there is no verdict on a point, and on a curve that has it."""
    found = {
        "failures": point.failures if point.failures > FAILED * point.requests else 0,
        "cache_errors": point.cache_errors or 0,
        "workers_changed": point.workers_changed,
    }
    return tuple(Obstacle(code, number) for code, number in found.items() if number)


def share_of_theory(point):
    """Return the throughput as a share of the theoretical one; None where there is no theory."""
    return point.requests_per_s / point.expected_per_s if point.expected_per_s else None


def reason(point, kind, cores):
    """Return the code of what keeps more workers or threads from helping; None if it is unknown."""
    if point.limit == "users":
        return "users"
    if kind == IO_BOUND:
        return None
    if point.limit == "processes":
        return "processes"
    return "your_cores" if point.workers == cores and kind == CPU_BOUND else "cores"


def caveats(point, cores=None, is_short=False):
    """Return what else may have limited a point. A short one may have too many workers."""
    found = []
    if point.generator_bound:
        found.append(Caveat("generator"))
    if (point.other_cpu or 0) > OTHERS:
        found.append(Caveat("other_programs", point.other_cpu))
    if is_short and (point.workers or 0) > cores:
        found.append(Caveat("shared_cores", point.workers))
    return tuple(found)


def compare_loops(points, freeze_s=0):
    """Return a finding for each point that was also asked on a schedule."""
    return [
        LoopFinding(loop_code(point, point.open), point, point.open, freeze_s)
        for point in points
        if point.open
    ]


def loop_code(closed, opened):
    """Return the code of what the requests on a schedule found."""
    if opened.growing:
        return "queue_grew"
    if closed.p95_ms is None:
        return "open_only"
    return "omission" if opened.p95_ms >= OMITTED * closed.p95_ms else "agree"


def warnings(points, costs):
    """Return what makes these points less reliable than they look."""
    found = []
    if any(cost and cost.cpu_ms is not None and cost.kind is None for cost in costs.values()):
        found.append(RunWarning("cost_unsure"))
    checks = {
        "failures": lambda p: p.failures,
        "generator_bound": lambda p: p.generator_bound,
        "few_samples": lambda p: not rests_on_enough(p.requests, 0.95),
        "little_error": lambda p: p.little_error is not None and abs(p.little_error) > WRONG,
        "other_programs": lambda p: (p.other_cpu or 0) > OTHERS,
    }
    found += warn(points, checks)
    open_checks = {
        "open_late": lambda p: p.open.late > LATE * p.open.requests,
        "open_failures": lambda p: p.open.failures,
    }
    return found + warn([point for point in points if point.open], open_checks)


def warn(points, checks):
    """Return a warning for each check that some of the points do not pass."""
    found = []
    for code, is_bad in checks.items():
        where = tuple(point for point in points if is_bad(point))
        if where:
            latest_ms = max((point.open.latest_ms for point in where if point.open), default=0)
            found.append(RunWarning(code, where, len(points), latest_ms))
    return found
