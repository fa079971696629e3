"""A load run as text for a terminal."""

import io

from rich.console import Console
from rich.table import Table

from . import open_loop_report
from .verdict import several

# How a knob reads with its unit; another one by its name and value.
UNITS = {"ms": "{} ms", "round_trip": "round trip {} ms", "movies": "{} movies"}
PLAIN_WIDTH = 120  # of text that goes into a file or a pipe
COLUMNS = ("per s", "theory", "p50", "p95", "p99", "failed", "server", "gen.", "Little")


def as_text(run, terminal=False, no_color=None) -> str:
    """A heading, the table, the verdict and what to be wary of; with colours for a terminal."""
    parts = [setting(run)]
    if run["points"]:
        parts += ["", table(run["points"])]
    asked_both_ways = open_loop_report.table(run["points"])
    if asked_both_ways:
        parts += ["", asked_both_ways, ""]
    parts += [of_alone(variant, alone) for variant, alone in run["alone"].items()]
    return written([*parts, ""], run["verdict"], run["warnings"], terminal, no_color)


def written(parts, verdict, warnings, terminal, no_color) -> str:
    """Lines and tables, then the verdict; with colours for a terminal."""
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


def setting(run) -> str:
    """How and where it was measured, in two lines."""
    lab, machine = run["lab"], run["machine"]
    how = [run["scenario"], *knobs(run), f"{run['duration_s']:g} s each", run["generator_version"]]
    if run.get("load_workers"):
        how.append(several(run["load_workers"], "load workers"))
    if run.get("freeze_s"):
        how.append(f"workers frozen for {run['freeze_s']:g} s")
    where = [f"at {lab['url']}"] if lab["url"] else [lab["database"], f"cache {lab['cache']}"]
    where.append(f"{machine['cpu']}, {several(machine['cores'], 'cores')}")
    return f"{' · '.join(how)}\n{' · '.join(where)} · ms, CPU in cores"


def knobs(run) -> list[str]:
    """What makes it another load than its scenario by default, each with its unit."""
    found = (run.get("knobs") or {}).items()
    return [
        UNITS.get(name, f"{name.replace('_', ' ')} {{}}").format(value)
        for name, value in found
        if value != run["scenario"]
    ]


def table(points) -> Table:
    """One line for each point."""
    by_variant = any(point["variant"] for point in points)
    threaded = any(point["threads"] not in (None, 1) for point in points)
    grid = Table(box=None, padding=(0, 0, 0, 1), header_style="dim")
    first = [
        *(["variant"] if by_variant else []),
        "workers",
        *(["threads"] if threaded else []),
        "users",
    ]
    for name in (*first, *COLUMNS):
        grid.add_column(name, justify="left" if name == "variant" else "right", no_wrap=True)
    for point in points:
        workers = point["workers"] or "–"
        if point["worker_class"] not in (None, "sync"):
            workers = f"{workers} {point['worker_class']}"
        grid.add_row(
            *([point["variant"] or ""] if by_variant else []),
            f"{workers}",
            *([f"{point['threads']}"] if threaded else []),
            f"{point['users']}",
            f"{shown(point['requests_per_s'])}{'*' if point.get('partial') else ''}",
            shown(point["expected_per_s"]),
            *(shown(point[f"p{n}_ms"]) for n in (50, 95, 99)),
            f"{point['failures']}",
            shown(point["server_cpu"], 2),
            shown(point["generator_cpu"], 2) + ("!" if point["generator_bound"] else ""),
            shown_error(point),
        )
    return grid


def of_alone(variant, alone) -> str:
    """What one request costs: the ground of the theory."""
    who = "" if variant == "all" else f"{variant}: "
    computing = "" if alone["cpu_ms"] is None else f", {alone['cpu_ms']:.1f} ms of it computing"
    return f"{who}one request alone keeps a worker for {alone['service_ms']:.1f} ms{computing}."


def shown(figure, digits=1) -> str:
    """A figure in as few digits as it is worth."""
    if figure is None:
        return "–"
    return f"{figure:,.{0 if figure >= 1000 else digits}f}"


def shown_error(point) -> str:
    """How far the users that Little's law finds are from those who were there."""
    return "–" if point["little_error"] is None else f"{100 * point['little_error']:+.1f} %"
