"""What `manage.py measure` found, as text for a terminal and as Markdown for docs/results.md.

Both read the JSON that docs/command-measure.md describes, and nothing else.
"""

import io
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from perflab.measure.other_programs import BUSY_CORES
from perflab.measure.stats import Ratio, format_ratio

from .figures import format_change, format_value, value_of
from .judgement import put_into_words

Json = dict[str, Any]  # an object of that JSON: the whole result, or one of its parts

PLAIN_WIDTH = 100  # of text that goes into a file or a pipe
# What the tables do not show, where a lesson is about it.
TITLES = {
    "bytes": "on the wire",
    "memory": "the most memory that Python held",
    "cache_calls": "calls of the cache",
}
COLUMNS = (
    *(("median", 8), ("p95", 8), ("queries", 12), ("SQL", 7), ("CPU", 7), ("cache", 6)),
    *(("hits", 4), ("misses", 6)),
)


def as_text(result: Json, terminal: bool = False, no_color: bool | None = None) -> str:
    """Return a heading, then a small table for each experiment, with colours for a terminal."""
    text = io.StringIO()
    console = Console(
        file=text,
        force_terminal=terminal,
        no_color=no_color,
        width=None if terminal else PLAIN_WIDTH,
    )
    console.print(describe_setup(result), highlight=False, markup=False)
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
    return text.getvalue().rstrip("\n")


def describe_setup(result: Json) -> str:
    """Return how and where it was measured, in two lines."""
    lab, knobs = result["lab"], result["knobs"]
    trip = knobs["round_trip"]
    how = (
        "each lesson's own knobs" if knobs.get("lessons") else f"{knobs['movies']:,} rows",
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


def verdict(experiment: Json) -> str:
    """Return what the headline says, with the interval; or that there is no verdict, and why."""
    if reasons := not_judged(experiment):
        return f"[bold]not judged[/]. {escape(' '.join(describe(reason) for reason in reasons))}"
    headline, others = experiment["headline"], describe_others(experiment)
    ratio = Ratio(*(experiment["shown"][name] for name in ("value", "low", "high")))
    small = f", {headline['small']}" if headline["small"] else ""
    bold = f"[bold]{escape(headline['big'])}[/]{escape(small)}"
    return f"{bold} (ratio {format_ratio(ratio.value)}, {interval(ratio)}{others})"


def not_judged(experiment: Json) -> list[Json]:
    """Return the reasons why an experiment has no verdict.

    Results that were written before runs were judged tell of two of them.
    """
    if "not_judged" in experiment:
        return list(experiment["not_judged"])
    failed = [
        {"code": "cache_errors", "variant": variant["name"], "errors": variant["errors"]}
        for variant in experiment["variants"]
        if variant["errors"]
    ]
    first = experiment["variants"][0]["name"]
    differ = [
        {"code": "pages_differ", "variant": name, "first": first}
        for name in experiment["differences"]
    ]
    return [put_into_words(reason) for reason in (*failed, *differ)]


def describe(reason: Json) -> str:
    """Return what is wrong and what to do."""
    return f"{reason['what']} {reason['do']}"


def describe_others(experiment: Json) -> str:
    """Return what other programs did meanwhile, as the end of a sentence; "" if not known."""
    cores = experiment.get("other_cores")
    return "" if cores is None else f"; others kept {cores:.1f} cores busy"


def interval(ratio: Ratio) -> str:
    """Return the ratio's interval in words."""
    return f"95 % interval {format_ratio(ratio.low)} to {format_ratio(ratio.high)}"


def table(experiment: Json, width: int, show_header: bool) -> Table:
    """Return one line a variant. Every experiment's table has the same columns at the same places.

    `width` is that of the longest name of a variant in any of them.
    """
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


def notes(experiment: Json) -> list[str]:
    """Return what the table does not show: a cache that is away, runs or pages that differ."""
    found = describe_losers(experiment)
    figure = experiment["figure"]
    if figure in TITLES and value_of(figure, experiment["variants"][0]) is not None:
        found.append(f"{TITLES[figure]}: {figure_of_each_variant(experiment)}")
    if experiment.get("clock") == "client":
        found.append("the times end with the last byte, by the client's clock")
    if (experiment.get("other_cores") or 0) > BUSY_CORES:
        found.append(
            "this machine is busy: other programs used part of it while the figures were measured"
        )
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


def describe_losers(experiment: Json) -> list[str]:
    """Return which variant is the best where it is not the last, and which ones lose."""
    if not_judged(experiment):
        return []
    first = experiment["variants"][0]["name"]
    losers = [
        f"{name} ({worse})"
        if experiment["figure"] == "correctness"
        else f"{name} ({worse} than {first})"
        for name, worse in experiment["losers"].items()
    ]
    best = experiment["headline"]["best"]
    return [*([best] if best else []), *([f"losing: {', '.join(losers)}"] if losers else [])]


def figure_of_each_variant(experiment: Json) -> str:
    """Return the lesson's figure of every variant, such as "slow 43.6 MB · fast 0.58 MB"."""
    figure = experiment["figure"]
    return " · ".join(
        f"{variant['name']} {format_value(figure, value_of(figure, variant))}"
        for variant in experiment["variants"]
    )


PAGE = """\
# Results

Written by `manage.py results` from what `manage.py measure --all --lessons --json` found, never
by hand: see [how](command-measure.md#a-page-of-results). One machine's figures; yours are the ones
that count.

{settings}

Milliseconds are medians, from the first variant to the last.

{table}
"""


def as_page(results: list[Json]) -> str:
    """Return a page of Markdown that puts these results side by side."""
    settings = "\n".join(f"- {describe_origin(result)}" for result in results)
    return PAGE.format(settings=settings, table=as_markdown(results))


def describe_origin(result: Json) -> str:
    """Return when, where and how a result was measured, in one paragraph."""
    lab, machine = result["lab"], result["machine"]
    how, _ = describe_setup(result).split("\n")
    software = "" if lab["python"] is None else f", Python {lab['python']}, Django {lab['django']}"
    rows = lab["rows"] or {}
    counts = ", ".join(f"{count:,} {name}" for name, count in rows.items() if count > 1)
    return (
        f"**{lab['database']}**, {result['date'][:10]}: {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['system']}{software}. "
        f"{how}, {'over HTTP' if lab['url'] else 'in process'}."
        + (f" In the database: {counts}." if counts else "")
        + describe_others_of_all(result)
    )


def describe_others_of_all(result: Json) -> str:
    """Return the most that other programs did meanwhile, in a sentence; "" if not known."""
    known = [e["other_cores"] for e in result["experiments"] if e.get("other_cores") is not None]
    return f" Other programs kept at most {max(known):.1f} cores busy meanwhile." if known else ""


def as_markdown(results: list[Json]) -> str:
    """Return one table with a pair of columns for each of these results."""
    tables = [{e["slug"]: e for e in result["experiments"]} for result in results]
    longest_first = sorted(tables, key=len, reverse=True)  # it has the others' in its order
    slugs = list(dict.fromkeys(slug for table in longest_first for slug in table))
    head = ["experiment", "queries, or the lesson's own figure"]
    for result in results:
        head += [f"{result['lab']['database']}, ms", "times faster (95 % interval)"]
    rows: list[list[str]] = []
    for slug in slugs:
        found = [table.get(slug) for table in tables]
        figures = dict.fromkeys(figure_of(experiment) for experiment in found if experiment)
        cells = [f"`{slug}`", " / ".join(figures)]
        for experiment in found:
            cells += [medians(experiment), ratio_cell(experiment)] if experiment else ["–", "–"]
        rows.append(cells)
    lines = [head, ["---"] * 2 + ["---:"] * (len(head) - 2), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ladder(experiment: Json) -> list[Json]:
    """Return the variants from slow to fast, without those for reference."""
    return [variant for variant in experiment["variants"] if not variant.get("reference")]


def figure_of(experiment: Json) -> str:
    """Return the lesson's figure from first to last, "43.6 → 0.58 MB"; or the ladder's queries."""
    variants, figure = ladder(experiment), experiment.get("figure")
    if figure in TITLES:
        pair = (value_of(figure, variant) for variant in (variants[0], variants[-1]))
        if change := format_change(figure, *pair):
            return change
    return " → ".join(str(variant["queries"]) for variant in variants)


def medians(experiment: Json) -> str:
    """Return the median ms of the ladder, such as "12.30 → 1.25"."""
    return " → ".join(f"{variant['median_ms']:.2f}" for variant in ladder(experiment))


def ratio_cell(experiment: Json) -> str:
    """Return the ratio with its interval, such as "9.8 (9.5 to 10)", or why there is none."""
    if reasons := not_judged(experiment):
        return f"not judged: {reasons[0]['what'].rstrip('.')}"
    ratio = Ratio(experiment["ratio"], experiment["ratio_low"], experiment["ratio_high"])
    value, low, high = (format_ratio(part) for part in (ratio.value, ratio.low, ratio.high))
    figures = f"{value} ({low} to {high})"
    return figures if ratio.differs else f"no measurable difference: {figures}"
