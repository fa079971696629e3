"""The curves of a saved run: what is drawn of it, and how two runs differ. Pure.

What another version or another kind of run leaves out is not drawn.
"""

from collections import Counter
from dataclasses import dataclass, replace

from perflab.base.messages import count_of

from .model import CLASSES, TUNING, Point
from .svg import COLOURS, Panel, Series, draw_lines, draw_over_time

AXES = ("workers", "threads", "users")
COMPARISONS = (CLASSES, TUNING)  # their points are no curve: they differ in what has no order
SAME = ("variant", "worker_class", *AXES)  # what two runs must share in a point to be compared
FIGURES = (("requests_per_s", "requests/s"), ("p50_ms", "p50, ms"), ("p95_ms", "p95, ms"))
# Figures of a run over time, each group in a panel of its own: (name, legend, colour).
OVER_TIME = (
    ("users", (("users", "users", "soft"),)),
    ("answers per second", (("requests_per_s", "answers per second", "other"),)),
    ("workers", (("workers", "workers", "fast"), ("load", "requests there at once", "soft"))),
    ("p95, ms", (("p95_ms", "p95", "slow"), ("target", "target", "soft"))),
)


@dataclass(frozen=True)
class Change:
    """A figure in two runs; the percentage is None where one of them is not known, or zero."""

    before: float | None
    after: float | None

    @property
    def percent(self):
        """Return the difference as a percentage of the first."""
        if self.before is None or self.after is None or self.before <= 0:
            return None
        return round(100 * (self.after / self.before - 1))


@dataclass(frozen=True)
class Difference:
    """A point that two runs have, with the Change of each of FIGURES."""

    point: Point
    figures: list[Change]


def axis_of(points):
    """Return what is drawn to the right: the first of AXES that varies; None where none does."""
    values = {name: [getattr(point, name) for point in points] for name in AXES}
    varied = (name for name, found in values.items() if len(set(found)) > 1 and None not in found)
    return next(varied, None)


def curves_of(points, axis):
    """Return {name: points by rising x} for each curve. A name says how the curves differ."""
    names = ("variant", "worker_class", *(name for name in AXES if name != axis))
    varied = [name for name in names if len({getattr(point, name) for point in points}) > 1]
    found = {}
    for point in points:
        found.setdefault(curve_name(point, varied), []).append(point)
    return {name: sorted(curve, key=lambda p: getattr(p, axis)) for name, curve in found.items()}


def curve_name(point, varied):
    """Return the name of a point's curve, of what varies between the curves."""
    values = [(name, getattr(point, name)) for name in varied]
    return ", ".join(
        count_of(value, name) if name in AXES else value for name, value in values if value
    )


def colour_of(curve, number, by_variant=False):
    """Return a variant's own colour, or one that no variant has where others have variants."""
    free = ("other", "soft") if by_variant else ("fast", "other", "slow", "soft")
    variant = curve[0].variant
    return variant if variant in COLOURS else free[number % len(free)]


def with_dashes(series):
    """Return the same lines, where those of one colour and style have different dashes."""
    seen = Counter()
    found = []
    for one in series:
        found.append(replace(one, again=seen[one.css, one.dashed]))
        seen[one.css, one.dashed] += 1
    return found


def series_of(curve, axis, figure, name, css, dashed=False):
    """Return the line of one figure of a curve."""
    points = tuple((getattr(point, axis), getattr(point, figure)) for point in curve)
    return Series(name, points, css, dashed, marks=not dashed)


def charts(run):
    """Return {name: SVG} of what can be drawn: throughput and latency, or figures over time."""
    points = [] if run.kind in COMPARISONS else run.measured_points()
    axis = axis_of(points)
    found = {}
    if axis:
        at = sorted({getattr(point, axis) for point in points})
        throughput, latency = [], []
        for number, (name, curve) in enumerate(curves_of(points, axis).items()):
            css = colour_of(curve, number)
            throughput.append(series_of(curve, axis, "requests_per_s", name or "measured", css))
            if all(point.expected_per_s for point in curve):
                theory = f"{name} in theory".strip()
                throughput.append(series_of(curve, axis, "expected_per_s", theory, css, True))
            latency.append(series_of(curve, axis, "p95_ms", f"{name} p95".strip(), css))
            latency.append(series_of(curve, axis, "p50_ms", f"{name} p50".strip(), css, True))
        title = f"{run.scenario}: throughput against {axis}"
        label = "requests per second"
        found["throughput"] = draw_lines(title, axis, label, with_dashes(throughput), at)
        title = f"{run.scenario}: latency against {axis}"
        found["latency"] = draw_lines(title, axis, "latency, ms", with_dashes(latency), at)
    if panels := time_panels(run):
        found["time"] = draw_over_time(f"{run.scenario}: load, workers and latency", panels)
    return found


def time_panels(run):
    """Return the panels of an auto-scaler's run. A figure that is not known gets no line."""
    panels = []
    for label, figures in OVER_TIME:
        series = [
            Series(name, points, css, dashed=figure in ("target", "load"), marks=False)
            for figure, name, css in figures
            for points in [time_points(run, figure)]
            if any(value is not None for _, value in points)
        ]
        if series:
            panels.append(Panel(label, tuple(series)))
    return panels


def time_points(run, figure):
    """Return the (seconds, value) pairs of a figure; the target is the same at all times."""
    if figure == "target":
        return tuple((sample.t_s, run.limits.target_p95_ms) for sample in run.series)
    return tuple((sample.t_s, getattr(sample, figure)) for sample in run.series)


def both_charts(one, other):
    """Return {name: SVG} of two runs over each other; empty where they share no axis."""
    axis = common_axis(one, other)
    if not axis:
        return {}
    points = [*one.measured_points(), *other.measured_points()]
    at = sorted({getattr(point, axis) for point in points})
    by_variant = any(point.variant for point in points)
    found = {}
    for name, figure, label in (
        ("throughput", "requests_per_s", "requests per second"),
        ("latency", "p95_ms", "p95, ms"),
    ):
        series = []
        for letter, run in (("A", one), ("B", other)):
            for number, (which, curve) in enumerate(curves_of(run.measured_points(), axis).items()):
                css = colour_of(curve, number + (letter == "B"), by_variant)
                drawn = series_of(curve, axis, figure, f"{letter} {which}".strip(), css)
                series.append(replace(drawn, dashed=letter == "B"))
        title = f"Two runs: {label} against {axis}"
        found[name] = draw_lines(title, axis, label, with_dashes(series), at)
    return found


def common_axis(one, other):
    """Return the axis along which both runs vary; None where there is no such axis."""
    if {one.kind, other.kind} & set(COMPARISONS):
        return None
    axes = {axis_of(run.measured_points()) for run in (one, other)}
    return axes.pop() if len(axes) == 1 else None


def differences(one, other):
    """Return what changed at each point that both runs have, in the order of the first.

    Two points are the same where they share variant, worker class, workers, threads and users.
    """

    def place(point):
        return tuple(getattr(point, name) for name in SAME)

    others = {place(point): point for point in other.measured_points()}
    found = []
    for point in one.measured_points():
        same = others.get(place(point))
        if same:
            figures = [Change(getattr(point, name), getattr(same, name)) for name, _ in FIGURES]
            found.append(Difference(point, figures))
    return found
