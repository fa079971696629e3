"""The curves of a saved run: what is drawn of it, and how two runs differ. Pure.

A run is a dict as it stands in var/runs/; what another version or another kind of run leaves out
is not drawn.
"""

from collections import Counter
from dataclasses import replace

from .svg import Panel, Series, lines, over_time
from .verdict import several

AXES = ("workers", "threads", "users")
COMPARISONS = ("classes", "tuning")
FIGURES = (("requests_per_s", "requests/s"), ("p50_ms", "p50, ms"), ("p95_ms", "p95, ms"))
# Figures of a run over time, each group in a panel of its own: (name, legend, colour).
OVER_TIME = (
    ("users", (("users", "users", "soft"),)),
    ("answers per second", (("requests_per_s", "answers per second", "other"),)),
    ("workers", (("workers", "workers", "fast"), ("load", "requests there at once", "soft"))),
    ("p95, ms", (("p95_ms", "p95", "slow"), ("target", "wanted", "soft"))),
)


def measured(run):
    """The points of a run that were measured to their end."""
    points = run.get("points")
    return [
        point
        for point in (points if isinstance(points, list) else [])
        if isinstance(point, dict) and point.get("requests") and not point.get("partial")
    ]


def axis_of(points):
    """What is drawn to the right: the first of AXES that varies; None where none does."""
    varied = (name for name in AXES if len({point.get(name) for point in points}) > 1)
    return next(varied, None)


def groups(points, axis):
    """{name: its points by rising x} for each line. Its name says what the others do not share."""
    named = ("variant", "worker_class", *(name for name in AXES if name != axis))
    varied = [name for name in named if len({point.get(name) for point in points}) > 1]
    found = {}
    for point in points:
        found.setdefault(name_of(point, varied), []).append(point)
    return {name: sorted(group, key=lambda p: p[axis]) for name, group in found.items()}


def name_of(point, varied):
    parts = [
        several(point[name], name) if name in AXES and point[name] else str(point[name] or "")
        for name in varied
    ]
    return ", ".join(filter(None, parts))


def colour(group, number, by_variant=False):
    """Return a variant's own colour, or one that no variant has where others have variants."""
    free = ("other", "soft") if by_variant else ("fast", "other", "slow", "soft")
    return group[0].get("variant") or free[number % len(free)]


def told_apart(series):
    """The same lines, where those of one colour and way differ in their dashes."""
    seen = Counter()
    for one in series:
        yield replace(one, again=seen[one.css, one.dashed])
        seen[one.css, one.dashed] += 1


def line(group, axis, figure, name, css, dashed=False):
    """A Series of one figure."""
    points = tuple((point[axis], point.get(figure)) for point in group)
    return Series(name, points, css, dashed, marks=not dashed)


def charts(run) -> dict:
    """{name: SVG} of what there is to draw: throughput and latency, or figures over time."""
    # Of a comparison the points are no curve: they differ in what has no order.
    points = [] if run.get("kind") in COMPARISONS else measured(run)
    axis = axis_of(points)
    found = {}
    if axis:
        at = sorted({point[axis] for point in points})
        throughput, latency = [], []
        for number, (name, group) in enumerate(groups(points, axis).items()):
            css = colour(group, number)
            throughput.append(line(group, axis, "requests_per_s", name or "measured", css))
            if all(point.get("expected_per_s") for point in group):
                theory = f"{name} in theory".strip()
                throughput.append(line(group, axis, "expected_per_s", theory, css, dashed=True))
            p95 = line(group, axis, "p95_ms", f"{name} p95".strip(), css)
            p50 = line(group, axis, "p50_ms", f"{name} p50".strip(), css, dashed=True)
            latency += [p95, p50]
        title = f"{run.get('scenario')}: throughput against {axis}"
        found["throughput"] = lines(title, axis, "requests per second", told_apart(throughput), at)
        title = f"{run.get('scenario')}: latency against {axis}"
        found["latency"] = lines(title, axis, "latency, ms", told_apart(latency), at)
    if panels := time_panels(run):
        found["time"] = over_time(f"{run.get('scenario')}: load, workers and latency", panels)
    return found


def time_panels(run):
    """The panels of a run with a `series`: dicts of figures and `t_s`, seconds since its start.

    A figure that is not in it gets no line.
    """
    samples = run.get("series")
    samples = [s for s in (samples if isinstance(samples, list) else []) if "t_s" in s]
    wanted = (run.get("limits") or {}).get("target_p95_ms")
    samples = [{**sample, "target": wanted} for sample in samples]
    panels = []
    for label, figures in OVER_TIME:
        series = [
            Series(
                name,
                tuple((sample["t_s"], sample.get(figure)) for sample in samples),
                css,
                dashed=figure in ("target", "load"),
                marks=False,
            )
            for figure, name, css in figures
            if any(sample.get(figure) is not None for sample in samples)
        ]
        if series:
            panels.append(Panel(label, tuple(series)))
    return panels


def both_charts(one, other) -> dict:
    """{name: SVG} of two runs over each other; empty where they have no axis in common."""
    axis = common_axis(one, other)
    if not axis:
        return {}
    at = sorted({point[axis] for run in (one, other) for point in measured(run)})
    by_variant = any(point.get("variant") for run in (one, other) for point in measured(run))
    found = {}
    for name, figure, label in (
        ("throughput", "requests_per_s", "requests per second"),
        ("latency", "p95_ms", "p95, ms"),
    ):
        series = []
        for letter, run in (("A", one), ("B", other)):
            for number, (which, group) in enumerate(groups(measured(run), axis).items()):
                css = colour(group, number + (letter == "B"), by_variant)
                dashed = letter == "B"
                points = line(group, axis, figure, "", css).points
                series.append(Series(f"{letter} {which}".strip(), points, css, dashed))
        found[name] = lines(
            f"Two runs: {label} against {axis}", axis, label, told_apart(series), at
        )
    return found


def common_axis(one, other):
    """The axis along which both runs can be drawn: each has at least two points on it."""
    if {one.get("kind"), other.get("kind")} & set(COMPARISONS):
        return None
    axes = {axis_of(measured(run)) for run in (one, other)}
    return axes.pop() if len(axes) == 1 else None


def differences(one, other) -> list[dict]:
    """What changed at each point that both runs have, in the order of the first.

    The same point is the same variant, workers, threads, worker class and users. Each figure is a
    dict of `before`, `after` and `percent`, their difference as a part of the first.
    """
    names = ("variant", "worker_class", *AXES)
    there = {tuple(point.get(name) for name in names): point for point in measured(other)}
    found = []
    for point in measured(one):
        same = there.get(tuple(point.get(name) for name in names))
        if same:
            figures = [change(point.get(name), same.get(name)) for name, _ in FIGURES]
            found.append({"point": point, "figures": figures})
    return found


def change(before, after):
    known = before is not None and after is not None and before > 0
    percent = round(100 * (after / before - 1)) if known else None
    return {"before": before, "after": after, "percent": percent}
