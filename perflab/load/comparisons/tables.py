"""Comparisons of worker classes and of settings as text for a terminal."""

from rich.table import Table

from ..tables import setting, shown, shown_error, written
from ..verdict import percent, several
from .tuning import FIGURES


def classes_text(run, terminal=False, no_color=None) -> str:
    """The table of worker classes, and what each gains and costs."""
    parts = [setting(run), "", classes_table(run["points"]), ""]
    return written(parts, run["verdict"], run["warnings"], terminal, no_color)


def classes_table(points) -> Table:
    """One line for each class on each page. CPU is of one request, busiest a worker's share."""
    columns = ("per s", "theory", "p50", "p95", "failed", "CPU ms", "busiest", "MB", "Little")
    grid = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    for name in ("page", "class", "workers", "users", *columns):
        left = name in ("page", "class")
        grid.add_column(name, justify="left" if left else "right", no_wrap=True)
    for point in points:
        share = point["busiest_share"]
        grid.add_row(
            point["scenario"],
            point["name"],
            f"{point['workers']} × {point['threads']}",
            f"{point['users']}",
            shown(point["requests_per_s"]) + ("!" if point["generator_bound"] else ""),
            shown(point["expected_per_s"]),
            shown(point["p50_ms"]),
            shown(point["p95_ms"]),
            f"{point['failures']}",
            shown(point["server_cpu_ms"]),
            "–" if share is None else percent(share),
            shown(point["memory_mb"], 0),
            shown_error(point),
        )
    return grid


def tuning_text(run, terminal=False, no_color=None) -> str:
    """The table of switches, and what each one gained or cost."""
    head = (
        f"{run['path']} · {several(run['workers'], 'workers')} · {several(run['users'], 'users')}"
    )
    parts = [setting(run), f"{head} · medians of {several(run['rounds'], 'rounds')}, on ÷ off", ""]
    parts += [tuning_table(run["switches"]), ""]
    verdicts = "\n".join(switch["verdict"] for switch in run["switches"])
    return written(parts, verdicts, run["warnings"], terminal, no_color)


def tuning_table(switches) -> Table:
    """One line for each figure of each switch; the last word says what turning it on did."""
    grid = Table(box=None, padding=(0, 0, 0, 2), header_style="dim")
    for name in ("switch", "default", "figure", "on", "off", "on ÷ off", "95 % interval", ""):
        left = name in ("switch", "default", "figure", "")
        grid.add_column(name, justify="left" if left else "right", no_wrap=True)
    for switch in switches:
        first = switch["name"], switch["default"]
        for figure, ratio in switch["ratios"].items():
            grid.add_row(
                *first,
                FIGURES[figure],
                shown(ratio["on"], 2),
                shown(ratio["off"], 2),
                f"{ratio['ratio']:.2f}",
                f"{ratio['low']:.2f} to {ratio['high']:.2f}",
                ratio["effect"],
            )
            first = "", ""
    return grid
