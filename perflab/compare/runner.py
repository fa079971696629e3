"""Run an experiment's variants in turn, n times each, and sum up what each took.

It asks through a client (perflab/compare/clients.py) and knows of a lab only what
/experiments.json says, so a lab in this process and one behind a URL are measured alike.
"""

import secrets
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict

from perflab.measure import stats

from .clients import LabClient
from .facts import Found, gather_facts, list_workers
from .figures import conclude, ladder_of
from .headline import write_headline
from .judgement import find_reasons, put_into_words
from .lab_pages import Json, Timing, fetch_variant, memory_peak, rows_there
from .page_diff import PageComparison
from .rounds import check_machine, is_busy, take_rounds, warm_up

COMMON_KNOBS = {"movies", "round_trip", "cache"}  # which every experiment has
COUNTS = ("queries", "duplicates", "calls", "hits", "misses", "bytes")


def measure_experiment(
    client: LabClient,
    experiment: Json,
    knobs: Json,
    runs: int,
    cold: bool,
    after_each_run: Callable[[], None] = lambda: None,
    verdicts: Sequence[Json] = (),
    no_story: str = "",
) -> Json:
    """Return one experiment's result, as it stands in the JSON.

    `verdicts` are those of its story, where that has been played: name, right and words of each;
    `no_story` says why it has none where the lesson needs them.
    Raises PageFailed, NoLab and LabRefused.
    """
    variants = experiment["variants"]
    runs_of: dict[str, list[Timing]] = {variant["name"]: [] for variant in variants}
    own = {name: knobs[name] for name in experiment["knobs"] if name in knobs}
    knobs = {name: knobs[name] for name in knobs if name in COMMON_KNOBS} | own
    pages = PageComparison()
    etags: dict[str, str] = {}

    def get(variant: Json) -> Timing:
        token = {"cold": secrets.token_hex(8)} if cold else {}
        etag = etags.get(variant["name"])
        timing, answer = fetch_variant(client, variant, knobs | token, etag)
        if experiment["clock"] == "client":
            timing["total"] = answer.outside_ms
        if variant["revalidates"] and "etag" in answer.headers:
            etags[variant["name"]] = answer.headers["etag"]
        if not variant["differs"] and answer.status == 200:
            pages.add(variant, answer.body)
        return timing

    there = rows_there(client, experiment)
    known = warm_up(client, variants, get)
    client.end_warm_up()
    warm = {worker for _, worker in known}
    workers = list_workers(client, [])
    other_cores = take_rounds(client, variants, runs, get, known, runs_of, after_each_run)
    check = check_machine(client, variants[0], get, known) if is_busy(other_cores) else None
    after = rows_there(client, experiment)
    found = Found(there, after, workers, warm, check is not None and check.differs, no_story)
    reasons = find_reasons(
        gather_facts(client, experiment, int(knobs["movies"]), cold, runs_of, pages, found)
    )
    slow, *_, fast = [variant["name"] for variant in variants if not variant["reference"]]
    rounds = stats.split_rounds(
        [run["total"] for run in runs_of[slow]], [run["total"] for run in runs_of[fast]]
    )
    result = {
        "slug": experiment["slug"],
        "clock": experiment["clock"],
        "figure": experiment["figure"],
        "price": experiment["price"],
        "variants": [
            {
                "name": variant["name"],
                "reference": variant["reference"],
                "rows": pages.rows.get(variant["name"]),
                **_verdict_of_story(variant["name"], verdicts),
                "memory_peak": (
                    memory_peak(client, variant, knobs)
                    if experiment["figure"] == "memory"
                    else None
                ),
                **summarise(runs_of[variant["name"]]),
            }
            for variant in variants
        ],
        **dict.fromkeys(("ratio", "ratio_low", "ratio_high")),
        **dict.fromkeys(("best", "shown", "losers", "headline")),
        "pairs": sum(len(first) for first, _ in rounds),
        "rounds": [
            {"pairs": len(first), "ratio": round(stats.median(first) / stats.median(last), 4)}
            for first, last in rounds
        ],
        "other_cores": other_cores,
        "check": check and _rounded(check),
        "same_page": not pages.differences,
        "differences": pages.differences,
        "not_judged": [put_into_words(reason) for reason in reasons],
    }
    return result if reasons else result | _verdict(result, stats.ratio_of_rounds(rounds))


def _verdict_of_story(name: str, verdicts: Sequence[Json]) -> Json:
    """Return what a story says of a variant: whether it is right, and in which words."""
    for verdict in verdicts:
        if verdict["name"] == name:
            return {"right": verdict["right"], "words": verdict["words"]}
    return {"right": None, "words": ""}


def _verdict(result: Json, ratio: stats.Ratio) -> Json:
    """Return what a result that is judged shows."""
    ladder = ladder_of(result)
    found = conclude(result["figure"], ladder)
    return {
        "ratio": round(ratio.value, 4),
        "ratio_low": round(ratio.low, 4),
        "ratio_high": round(ratio.high, 4),
        "best": found.best,
        "shown": {"name": found.shown, **_rounded(found.ratio)},
        "losers": found.losers,
        "headline": asdict(write_headline(result["figure"], ladder, found, result["price"])),
    }


def _rounded(ratio: stats.Ratio) -> Json:
    return {name: round(getattr(ratio, name), 4) for name in ("value", "low", "high")}


def summarise(runs: list[Timing]) -> Json:
    """Return the figures of all runs of one variant.

    A count is the median run's. `varied` names the counts that were not the same in every run.
    """

    def median_of(metric: str) -> float | None:
        values = [run[metric] for run in runs if metric in run]
        return round(stats.median(values), 3) if values else None

    totals = [run["total"] for run in runs]
    return {
        "runs": len(runs),
        "median_ms": round(stats.median(totals), 3),
        "p95_ms": round(stats.p95(totals), 3),
        **{count: statistics.median_low(run[count] for run in runs) for count in COUNTS},
        "sql_ms": median_of("sql"),
        "cpu_ms": median_of("cpu"),
        "cache_ms": median_of("cache"),
        "outside_ms": median_of("outside"),
        "errors": sum(run["errors"] for run in runs),
        "varied": [count for count in COUNTS if len({run[count] for run in runs}) > 1],
        "workers": len({run["worker"] for run in runs}),
        "samples_ms": totals,
    }
