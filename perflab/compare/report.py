"""What `manage.py measure` found, as text for a terminal and as Markdown for docs/results.md.

Both read the JSON that docs/command-measure.md describes, and nothing else.
"""

import io

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from perflab.measure.stats import Ratio

PLAIN_WIDTH = 100  # of text that goes into a file or a pipe
COLUMNS = (
    *(("median", 8), ("p95", 8), ("queries", 12), ("SQL", 7), ("CPU", 7), ("cache", 6)),
    *(("hits", 4), ("misses", 6)),
)


def as_text(result, terminal=False, no_color=None) -> str:
    """A heading, then a small table for each experiment; with colours for a terminal."""
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        no_color=no_color,
        width=None if terminal else PLAIN_WIDTH,
    )
    console.print(setting(result), highlight=False, markup=False)
    names = [
        variant["name"]
        for experiment in result["experiments"]
        for variant in experiment["variants"]
    ]
    width = max(map(len, names), default=0)
    for number, experiment in enumerate(result["experiments"]):
        console.print(
            f"\n[bold]{escape(experiment['slug'])}[/]: {verdict(experiment)}", highlight=False
        )
        console.print(table(experiment, width, show_header=number == 0))
        for note in notes(experiment):
            console.print(f"  {note}", highlight=False, markup=False)
    return console.file.getvalue().rstrip("\n")


def setting(result) -> str:
    """How and where it was measured, in two lines."""
    lab, knobs = result["lab"], result["knobs"]
    trip = knobs["round_trip"]
    how = (
        f"{knobs['movies']:,} rows",
        f"{knobs['runs']} runs of each variant",
        f"cache {knobs['cache']}, {'cold' if knobs['cold'] else 'warm'}",
        f"round trip {trip:g} ms (simulated)" if trip else "no simulated round trip",
    )
    workers = f"{lab['workers']} worker{'s' if lab['workers'] != 1 else ''} answered"
    where = (
        f"{lab['url']}, {workers}" if lab["url"] else "in this process",
        lab["database"],
        f"{result['machine']['cpu']}, {result['machine']['cores']} cores",
    )
    return f"{' · '.join(how)}\n{' · '.join(where)} · times in ms"


def verdict(experiment) -> str:
    """The ratio in words."""
    ratio = Ratio(experiment["ratio"], experiment["ratio_low"], experiment["ratio_high"])
    if not ratio.differs:
        return f"[bold]no measurable difference[/] (ratio {shown(ratio.value)}, {interval(ratio)})"
    if ratio.value < 1:
        slower = Ratio(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)
        return f"[bold]{shown(slower.value)} times slower[/] ({interval(slower)})"
    return f"[bold]{shown(ratio.value)} times faster[/] ({interval(ratio)})"


def interval(ratio) -> str:
    return f"95 % interval {shown(ratio.low)} to {shown(ratio.high)}"


def shown(ratio) -> str:
    """A ratio to about three figures."""
    return f"{ratio:.2f}" if ratio < 9.995 else f"{ratio:.1f}"


def table(experiment, width, show_header):
    """The variants, one a line; the columns stand alike in every experiment's table."""
    grid = Table(box=None, show_header=show_header, padding=(0, 0, 0, 1), header_style="dim")
    grid.add_column("", min_width=width, no_wrap=True)
    for name, column_width in COLUMNS:
        grid.add_column(name, justify="right", min_width=column_width, no_wrap=True)
    for variant in experiment["variants"]:
        duplicates = f" ({variant['duplicates']} dup)" if variant["duplicates"] else ""
        grid.add_row(
            escape(variant["name"]),
            f"{variant['median_ms']:.2f}",
            f"{variant['p95_ms']:.2f}",
            f"{variant['queries']}{duplicates}",
            f"{variant['sql_ms']:.2f}",
            "–" if variant["cpu_ms"] is None else f"{variant['cpu_ms']:.2f}",
            f"{variant['cache_ms']:.2f}",
            str(variant["hits"]),
            str(variant["misses"]),
        )
    return grid


def notes(experiment) -> list[str]:
    """What the figures do not show: a cache that is away, runs unlike each other, other pages."""
    found = []
    if experiment.get("figure") == "bytes":
        found.append(f"bytes on the wire: {told_by_variant(experiment, 'bytes', '{:,}')}")
    if (
        experiment.get("figure") == "memory"
        and experiment["variants"][0]["memory_peak"] is not None
    ):
        told = told_by_variant(experiment, "memory_peak", "{:,}")
        found.append(f"peak of Python's memory, bytes: {told}")
    if experiment.get("clock") == "client":
        found.append("the times end with the last byte, by the client's clock")
    for variant in experiment["variants"]:
        if variant["errors"]:
            found.append(f"{variant['name']}: the cache did not answer {variant['errors']} calls")
        if variant["varied"]:
            found.append(
                f"{variant['name']}: not the same in each run: {', '.join(variant['varied'])}"
            )
    for name, lines in experiment["differences"].items():
        found.append(f"{name}: not the page of {experiment['variants'][0]['name']}:")
        found += [f"  {line[:150]}" for line in lines]
    return found


def told_by_variant(experiment, figure, form) -> str:
    """One figure of every variant, in words."""
    return " · ".join(f"{r['name']} {form.format(r[figure])}" for r in experiment["variants"])


PAGE = """\
# Results

Written by `manage.py results` from what `manage.py measure --all --json` found, never by hand:
see [how](command-measure.md#a-page-of-results). One machine's figures; yours are the ones that
count.

{settings}

Milliseconds are medians, from the first variant to the last.

{table}
"""


def as_page(results) -> str:
    """A page of Markdown that puts these results side by side."""
    settings = "\n".join(f"- {origin(result)}" for result in results)
    return PAGE.format(settings=settings, table=as_markdown(results))


def origin(result) -> str:
    """When, where and how a result was measured, in one paragraph."""
    lab, machine = result["lab"], result["machine"]
    how, _ = setting(result).split("\n")
    software = "" if lab["python"] is None else f", Python {lab['python']}, Django {lab['django']}"
    rows = lab["rows"] or {}
    counts = ", ".join(f"{count:,} {name}" for name, count in rows.items() if count > 1)
    return (
        f"**{lab['database']}**, {result['date'][:10]}: {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['system']}{software}. "
        f"{how}, {'over HTTP' if lab['url'] else 'in process'}."
        + (f" In the database: {counts}." if counts else "")
    )


def as_markdown(results) -> str:
    """One table with a pair of columns for each of these results."""
    tables = [{e["slug"]: e for e in result["experiments"]} for result in results]
    longest_first = sorted(tables, key=len, reverse=True)  # which has the others' in its order
    slugs = list(dict.fromkeys(slug for table in longest_first for slug in table))
    head = ["experiment", "queries"]
    for result in results:
        head += [f"{result['lab']['database']}, ms", "times faster (95 % interval)"]
    rows = []
    for slug in slugs:
        found = [table.get(slug) for table in tables]
        queries = dict.fromkeys(queries_of(experiment) for experiment in found if experiment)
        cells = [f"`{slug}`", " / ".join(queries)]
        for experiment in found:
            cells += [medians(experiment), ratio_cell(experiment)] if experiment else ["–", "–"]
        rows.append(cells)
    lines = [head, ["---"] * 2 + ["---:"] * (len(head) - 2), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ladder(experiment) -> list:
    """The variants that are climbed, without those for reference."""
    return [variant for variant in experiment["variants"] if not variant.get("reference")]


def queries_of(experiment) -> str:
    return " → ".join(str(variant["queries"]) for variant in ladder(experiment))


def medians(experiment) -> str:
    return " → ".join(f"{variant['median_ms']:.2f}" for variant in ladder(experiment))


def ratio_cell(experiment) -> str:
    ratio = Ratio(experiment["ratio"], experiment["ratio_low"], experiment["ratio_high"])
    figures = f"{shown(ratio.value)} ({shown(ratio.low)} to {shown(ratio.high)})"
    return figures if ratio.differs else f"no measurable difference: {figures}"
