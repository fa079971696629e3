"""Comparisons of worker classes and of settings as text for a terminal."""

from perflab.base.messages import count_of
from perflab.measure.stats import format_ratio

from ..tables import describe_setting, format_figure, format_little_error, new_table, print_parts
from ..wording import FIGURES, describe_share

CLASS_COLUMNS = ("page", "class", "workers", "users", "per s", "theory", "p50", "p95", "failed")
COST_COLUMNS = ("CPU ms", "busiest", "MB", "Little")
SWITCH_COLUMNS = ("switch", "default", "figure", "on", "off", "on ÷ off", "95 % interval", "")


def classes_text(run, terminal=False, no_color=None):
    """Return the table of worker classes, and what each gains and costs."""
    parts = [describe_setting(run), "", classes_table(run.points), ""]
    return print_parts(parts, run.verdict, run.warnings, terminal, no_color)


def classes_table(points):
    """Return a table with one line for each class on each page.

    CPU is that of one request, "busiest" the share of the busiest worker.
    """
    table = new_table((*CLASS_COLUMNS, *COST_COLUMNS), left=("page", "class"), padding=2)
    for point in points:
        share = point.busiest_share
        table.add_row(
            point.scenario,
            point.name,
            f"{point.workers} × {point.threads}",
            f"{point.users}",
            format_figure(point.requests_per_s) + ("!" if point.generator_bound else ""),
            format_figure(point.expected_per_s),
            format_figure(point.p50_ms),
            format_figure(point.p95_ms),
            f"{point.failures}",
            format_figure(point.server_cpu_ms),
            "–" if share is None else describe_share(share),
            format_figure(point.memory_mb, 0),
            format_little_error(point),
        )
    return table


def tuning_text(run, terminal=False, no_color=None):
    """Return the table of switches, and what each of them gained or cost."""
    how = [run.path, count_of(run.workers, "workers"), count_of(run.users, "users")]
    how.append(f"medians of {count_of(run.rounds, 'rounds')}, on ÷ off")
    parts = [describe_setting(run), " · ".join(how), "", switches_table(run.switches), ""]
    verdicts = "\n".join(switch.verdict for switch in run.switches)
    return print_parts(parts, verdicts, run.warnings, terminal, no_color)


def switches_table(switches):
    """Return a table with one line for each figure of each switch.

    The last word of a line says what turning the switch on did.
    """
    left = ("switch", "default", "figure", "")
    table = new_table(SWITCH_COLUMNS, left=left, padding=2)
    for switch in switches:
        first = switch.name, switch.default
        for figure, ratio in switch.ratios.items():
            table.add_row(
                *first,
                FIGURES[figure],
                format_figure(ratio.on, 2),
                format_figure(ratio.off, 2),
                format_ratio(ratio.ratio),
                f"{format_ratio(ratio.low)} to {format_ratio(ratio.high)}",
                ratio.effect,
            )
            first = "", ""
    return table
