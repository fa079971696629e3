"""Run an experiment's variants in turn, n times each, and sum up what each took.

It asks through a client (perflab/compare/clients.py) and knows of a lab only what
/experiments.json says, so a lab in this process and one behind a URL are measured alike.
"""

import json
import re
import secrets
import statistics
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from html import unescape
from time import perf_counter, sleep
from typing import Any
from urllib.parse import urlencode

from perflab.measure import server_timing, stats
from perflab.measure.other_programs import BUSY_CORES, cores_kept_busy

from .clients import Answer, Getter, LabClient, NoLab
from .facts import Found, gather_facts, list_workers, read_collection
from .figures import conclude, ladder_of
from .headline import write_headline
from .judgement import find_reasons, put_into_words
from .page_diff import PageComparison

MAX_WARM_UP_ROUNDS = 200  # a lab whose workers never last is not measured
SPREAD_S = 0.05, 2.0  # over which the rounds are spread, at least: for each run, and for all
BUSY_SPREAD_S = 0.25, 10.0  # the same on a busy machine, where other programs come and go
METRICS = {
    *("total", "sql", "cache", "queries", "duplicates", "calls", "hits", "misses", "errors"),
    *("worker", "instance"),
}
COMMON_KNOBS = {"movies", "round_trip", "cache"}  # which every experiment has
COUNTS = ("queries", "duplicates", "calls", "hits", "misses", "bytes")
CHECK_RUNS = 10  # of a check of the machine, each of them twice
HEADING = re.compile(r"<h1>(.*?)</h1>")
LEAD = re.compile(r'<p class="lead">(.*?)</p>')

INSPECTED = (
    "somebody is inspecting pages in the same worker, so nothing can be measured there: wait, or "
    "start the lab with one thread for each worker"
)

Json = dict[str, Any]  # an object of /experiments.json (an experiment, a variant) or of the results
Timing = dict[str, Any]  # what `Server-Timing` says of one request, with `bytes` and `outside`
Worker = tuple[str, int]  # a variant's name, and the process that has answered for it


class PageFailed(Exception):
    """A page is not what was asked for, which ends its experiment. The message is one line."""


class LabRefused(Exception):
    """The lab refuses a knob, or its database is away or empty. The message is one line."""


def read_catalogue(client: LabClient) -> Json:
    """Return what the lab offers, from its /experiments.json and /health/.

    Raises NoLab if it is no perflab, and LabRefused if its database is away.
    """
    try:
        catalogue = _read_json(client, "/experiments.json")
        health = _read_json(client, "/health/")
        state = health["database"]["state"]
        catalogue["database"] = health["database"]["vendor"]
        catalogue["default_cache"] = catalogue["knobs"]["cache"]["default"]
        addresses = [e["url"] for e in catalogue["experiments"]]
        addresses += [variant["url"] for e in catalogue["experiments"] for variant in e["variants"]]
    except (ValueError, KeyError, TypeError):
        addresses = []
    if not addresses or not all(re.match(r"/[\w-]", address) for address in addresses):
        raise NoLab(f"{client.url} answers, but not as a perflab: see docs/command-measure.md")
    if state == "down":
        raise LabRefused("The lab's database does not answer.")
    return catalogue


def check_pages(client: LabClient, experiments: list[Json], knobs: Json) -> None:
    """Ask once for every page that is going to be measured.

    Raises LabRefused for knobs that the lab does not accept, and for an empty database.
    """
    for experiment in experiments:
        for variant in experiment["variants"]:
            with suppress(PageFailed):  # measuring the experiment will say so
                fetch_variant(client, variant, knobs)
        if not _collection(client, experiment)["rows"]:
            raise LabRefused("The database is empty: run `manage.py seed`.")


def _collection(client: LabClient, experiment: Json) -> Json:
    """Return what the lab says of its rows for a page. Raises LabRefused."""
    try:
        return read_collection(client, experiment)
    except (ValueError, KeyError, TypeError):
        answer = client.get(f"{experiment['url']}rows.json")
        reason = _error_text(answer.body) or f"status {answer.status}"
        raise LabRefused(f"The lab does not say how many rows it has: {reason}") from None


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

    there = _collection(client, experiment)
    known = warm_up(client, variants, get)
    client.end_warm_up()
    warm = {worker for _, worker in known}
    workers = list_workers(client, [])
    other_cores = take_rounds(client, variants, runs, get, known, runs_of, after_each_run)
    check = check_machine(client, variants[0], get, known) if is_busy(other_cores) else None
    after = _collection(client, experiment)
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


def check_machine(
    client: LabClient, variant: Json, get: Callable[[Json], Timing], known: set[Worker]
) -> stats.Ratio | None:
    """Measure a variant against itself, and return the ratio; None where it is not known.

    By chance it differs in one of twenty checks on a quiet machine, so then it is checked again.
    """
    for _ in range(2):
        runs_of: dict[str, list[Timing]] = {variant["name"]: []}
        take_rounds(client, [variant, variant], CHECK_RUNS, get, known, runs_of, lambda: None)
        totals = [run["total"] for run in runs_of[variant["name"]]]
        # Which of a turn's two requests stands for which side alternates, as between variants.
        turns = [totals[start : start + 2] for start in range(0, len(totals), 2)]
        turns = [turn[::-1] if number % 2 else turn for number, turn in enumerate(turns)]
        one, other = ([turn[side] for turn in turns] for side in (0, 1))
        ratio = stats.ratio_of_rounds(stats.split_rounds(one, other))
        if not ratio.differs:
            break
    return ratio


def is_busy(other_cores: float | None) -> bool:
    """Return whether other programs kept so much of the machine that it is called busy."""
    return (other_cores or 0) > BUSY_CORES


def take_rounds(
    client: LabClient,
    variants: list[Json],
    runs: int,
    get: Callable[[Json], Timing],
    known: set[Worker],
    runs_of: dict[str, list[Timing]],
    after_each_run: Callable[[], None],
) -> float | None:
    """Fill in the runs of every variant, in rounds; return the cores that others kept busy.

    The rounds begin at about equal distances. The processor may have slept before a round that had
    to wait, so such a round begins with a request of each variant that is no run.
    """
    sizes = stats.round_sizes(runs)
    number = 0
    before = client.read_counters()
    other_cores = None
    for size in sizes:
        began = perf_counter()
        for _ in range(size):
            for variant in order_of_turn(variants, number):
                runs_of[variant["name"]].append(_get_from_known_worker(variant, get, known))
                after_each_run()
            number += 1
        other_cores = cores_kept_busy(before, client.read_counters())
        wait_s = began + seconds_of_round(runs, other_cores) - perf_counter()
        if number < runs and wait_s > 0:
            sleep(wait_s)
            for variant in order_of_turn(variants, number):
                _get_from_known_worker(variant, get, known)
    return other_cores


def seconds_of_round(runs: int, other_cores: float | None) -> float:
    """Return the seconds from the beginning of one round to that of the next, at least."""
    each, most = BUSY_SPREAD_S if is_busy(other_cores) else SPREAD_S
    return min(most, each * runs) / len(stats.round_sizes(runs))


def order_of_turn(variants: list[Json], number: int) -> list[Json]:
    """Return the variants in the order of a turn. Each is first as often as any other."""
    first = number % len(variants)
    return variants[first:] + variants[:first]


def warm_up(client: LabClient, variants: list[Json], get: Callable[[Json], Timing]) -> set[Worker]:
    """Ask until no new worker answers; return the workers that have answered for each variant."""
    known: set[Worker] = set()
    quiet = number = 0
    while quiet < client.quiet_answers and number < MAX_WARM_UP_ROUNDS:
        for variant in order_of_turn(variants, number):
            answered = (variant["name"], get(variant)["worker"])
            quiet = 0 if answered not in known else quiet + 1
            known.add(answered)
        number += 1
    return known


def _get_from_known_worker(
    variant: Json, get: Callable[[Json], Timing], known: set[Worker]
) -> Timing:
    """Return a run. The first answer of a worker for a variant is its warm-up, and no run.

    Nor is one during which the worker inspected another request with the toolbar.
    """
    for _ in range(MAX_WARM_UP_ROUNDS):
        timing = get(variant)
        answered = (variant["name"], timing["worker"])
        if answered in known and not timing.get("inspected"):
            return timing
        known.add(answered)
    if timing.get("inspected"):
        raise PageFailed(f"{variant['name']}: {INSPECTED}")
    raise PageFailed(
        f"{variant['name']}: every answer comes from another worker (is max_requests set?)"
    )


def memory_peak(client: LabClient, variant: Json, knobs: Json) -> int | None:
    """Return the most bytes of memory that Python held while it made a page, by a traced request.

    None where the lab does not trace, because it is public or behind a proxy.
    """
    _, answer = fetch_variant(client, variant, knobs | {"trace": "memory"})
    trace = answer.headers.get("x-perflab-trace")
    if not trace:
        return None
    peak: int | None = _read_json(client, f"/traces/{trace}.json")["memory_peak"]
    return peak


def fetch_variant(
    client: Getter, variant: Json, knobs: Json, etag: str | None = None
) -> tuple[Timing, Answer]:
    """Return the timing of one page of a variant, and the page.

    With the ETag of an earlier answer, a 304 is an answer too. Raises PageFailed if it is not the
    page, and LabRefused if the lab says why it will not make it.
    """
    headers = {"If-None-Match": etag} if etag else {}
    answer = client.get(f"{variant['url']}?{urlencode(knobs)}", **headers)
    if answer.status not in ((200, 304) if etag else (200,)):
        reason = _error_text(answer.body)
        if answer.status in (400, 503) and reason:
            raise LabRefused(reason)
        ending = f": {reason}" if reason else ""
        raise PageFailed(f"{variant['name']} answered {answer.status}{ending}")
    try:
        timing = server_timing.read(answer.headers.get("server-timing", ""))
    except ValueError:
        timing = {}
    if METRICS - timing.keys():
        raise PageFailed(f"{variant['name']} came without the lab's Server-Timing")
    timing |= {"bytes": answer.wire_bytes, "outside": answer.outside_ms}
    return timing, answer


def _error_text(body: bytes) -> str:
    """Return the text of one of the lab's error pages in one line, and "" for any other page."""
    page = body.decode(errors="replace")
    found = (part.search(page) for part in (HEADING, LEAD))
    text = ". ".join(part[1].rstrip(".") for part in found if part)
    return f"{' '.join(unescape(text).split())}." if text else ""


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


def _read_json(client: LabClient, path: str) -> Json:
    """Return the JSON object that an address answers. Raises ValueError."""
    found = json.loads(client.get(path).body)
    if not isinstance(found, dict):
        raise ValueError(f"{path} is not an object")
    return found
