"""A load run as text for a terminal."""

import io

from rich.console import Console
from rich.table import Table

from perflab.base.messages import count_of

from .model import ALL
from .wording import describe_point

# A knob as it is written with its unit; any other one is written with its name and value.
UNITS = {"ms": "{} ms", "round_trip": "round trip {} ms", "movies": "{} movies"}
PLAIN_WIDTH = 120  # of text that goes into a file or a pipe
COLUMNS = ("per s", "theory", "p50", "p95", "p99", "failed", "server", "gen.", "Little")
OPEN_COLUMNS = ("point", "asked", "requests", "requests/s", "p50", "p95", "p99", "failed")


def as_text(run, terminal=False, no_color=None):
    """Return a heading, the tables, the verdict and the warnings; with colours for a terminal."""
    parts = [describe_setting(run)]
    if run.points:
        parts += ["", points_table(run.points)]
    if any(point.open for point in run.points):
        parts += ["", open_table(run.points), ""]
    parts += [describe_cost(variant, cost) for variant, cost in run.costs.items()]
    return print_parts([*parts, ""], run.verdict, run.warnings, terminal, no_color)


def print_parts(parts, verdict, warnings, terminal, no_color):
    """Return lines and tables, then the verdict and the warnings, as text."""
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        no_color=no_color,
        width=None if terminal else PLAIN_WIDTH,
        highlight=False,
        markup=False,
    )
    for part in parts:
        console.print(part)
    console.print(verdict, style="bold")
    for line in warnings:
        console.print(f"Mind: {line}.")
    return console.file.getvalue().rstrip("\n")


def describe_setting(run):
    """Return how and where a run was measured, in two lines."""
    lab = run.lab
    how = [run.scenario, *describe_knobs(run)]
    how += [f"{run.duration_s:g} s each", run.generator_version]
    if run.load_workers:
        how.append(count_of(run.load_workers, "load workers"))
    if run.freeze_s:
        how.append(f"workers frozen for {run.freeze_s:g} s")
    where = [f"at {lab.url}"] if lab.url else [f"{lab.database}", f"cache {lab.cache}"]
    where.append(f"{run.machine.cpu}, {count_of(run.machine.cores, 'cores')}")
    return f"{' · '.join(how)}\n{' · '.join(where)} · ms, CPU in cores"


def describe_knobs(run):
    """Return the knobs that were chosen, each with its unit; the scenario's own slug is none."""
    return [
        UNITS.get(name, f"{name.replace('_', ' ')} {{}}").format(value)
        for name, value in run.knobs.items()
        if value != run.scenario
    ]


def new_table(columns, left, padding):
    """Return an empty table whose columns stand to the right, but for those in `left`."""
    table = Table(box=None, padding=(0, 0, 0, padding), header_style="dim")
    for name in columns:
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    return table


def points_table(points):
    """Return a table with one line for each point."""
    has_variants = any(point.variant for point in points)
    has_threads = any(point.threads not in (None, 1) for point in points)
    first = ["variant"] if has_variants else []
    first += ["workers", *(["threads"] if has_threads else []), "users"]
    table = new_table((*first, *COLUMNS), left=("variant",), padding=1)
    for point in points:
        workers = f"{point.workers or '–'}"
        if point.worker_class not in (None, "sync"):
            workers = f"{workers} {point.worker_class}"
        table.add_row(
            *([point.variant or ""] if has_variants else []),
            workers,
            *([f"{point.threads}"] if has_threads else []),
            f"{point.users}",
            f"{format_figure(point.requests_per_s)}{'*' if point.partial else ''}",
            format_figure(point.expected_per_s),
            *map(format_figure, (point.p50_ms, point.p95_ms, point.p99_ms)),
            f"{point.failures}",
            format_figure(point.server_cpu, 2),
            format_figure(point.generator_cpu, 2) + ("!" if point.generator_bound else ""),
            format_little_error(point),
        )
    return table


def open_table(points):
    """Return a table with two lines for each point that was also asked on a schedule."""
    table = new_table(OPEN_COLUMNS, left=("point", "asked"), padding=2)
    for point in points:
        if opened := point.open:
            closed = open_figures(point, point.requests_per_s)
            table.add_row(describe_point(point), "closed loop", *closed)
            rate = f"open, {opened.per_s:g} a second"
            table.add_row("", rate, *open_figures(opened, opened.answered_per_s))
    return table


def open_figures(found, per_s):
    """Return the figures of a Point or an OpenLoop as they stand in the table."""
    times = (found.p50_ms, found.p95_ms, found.p99_ms)
    return (
        f"{found.requests:,}",
        f"{per_s:,.1f}",
        *("–" if time is None else f"{time:,.1f}" for time in times),
        f"{found.failures}",
    )


def describe_cost(variant, cost):
    """Return what one request costs, which the theoretical line is calculated from."""
    who = "" if variant == ALL else f"{variant}: "
    computing = "" if cost.cpu_ms is None else f", {cost.cpu_ms:.1f} ms of it computing"
    return f"{who}one request alone keeps a worker for {cost.service_ms:.1f} ms{computing}."


def format_figure(figure, digits=1):
    """Return a figure with so many digits after the point, and none from 1,000 on."""
    if figure is None:
        return "–"
    return f"{figure:,.{0 if figure >= 1000 else digits}f}"


def format_little_error(point):
    """Return how far the users that Little's law finds are from those who were there."""
    return "–" if point.little_error is None else f"{100 * point.little_error:+.1f} %"
