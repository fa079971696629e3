"""Run an experiment's variants in turn, n times each, and sum up what each took.

It asks through a client (perflab/compare/clients.py) and knows of a lab only what
/experiments.json says, so a lab in this process and one behind a URL are measured alike.
"""

import json
import re
import secrets
import statistics
from contextlib import suppress
from html import unescape
from urllib.parse import urlencode

from perflab.measure import server_timing, stats

from . import page_diff
from .clients import Answer, NoLab

MOST_FOR_WARM_UP = 200  # rounds; a lab whose workers never last is not measured
METRICS = {"total", "sql", "cache", "queries", "duplicates", "hits", "misses", "errors", "worker"}
COMMON_KNOBS = {"movies", "round_trip", "cache"}  # which every experiment has
COUNTS = ("queries", "duplicates", "hits", "misses", "bytes")
HEADING = re.compile(r"<h1>(.*?)</h1>")
LEAD = re.compile(r'<p class="lead">(.*?)</p>')


class Failed(Exception):
    """A page that is not what was asked for, which ends its experiment. One line."""


class LabRefused(Exception):
    """The lab will not: a knob turned too far, a database that is away or empty. One line."""


def open_catalogue(client) -> dict:
    """What the lab offers. Raises NoLab if it is none, LabRefused if its database is away."""
    try:
        catalogue = _json(client, "/experiments.json")
        health = _json(client, "/health/")
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


def check(client, experiments, knobs) -> list[str]:
    """Ask once for all that is going to be measured; a remark for each page short of rows.

    Raises LabRefused for knobs that the lab does not accept, and for an empty database.
    """
    remarks = []
    for experiment in experiments:
        for variant in experiment["variants"]:
            with suppress(Failed):  # measuring the experiment will say so
                ask(client, variant, knobs)
        found = _rows(client, experiment)
        if not found:
            raise LabRefused("The database is empty: run `manage.py seed`.")
        if found < int(knobs["movies"]):
            remarks.append(
                f"{experiment['slug']} shows {found:,} rows, not {int(knobs['movies']):,}: there "
                "are no more. `manage.py seed --movies` adds some."
            )
    return remarks


def _rows(client, experiment):
    """How many rows the lab has for an experiment's page."""
    answer = client.get(f"{experiment['url']}rows.json")
    try:
        return int(json.loads(answer.body)["rows"])
    except (ValueError, KeyError, TypeError):
        told = _told(answer.body) or f"status {answer.status}"
        raise LabRefused(f"The lab does not say how many rows it has: {told}") from None


def measure(client, experiment, knobs, runs, cold, tick=lambda: None) -> dict:
    """One experiment's result, as it stands in the JSON. `tick` is called after each run.

    Raises Failed, NoLab and LabRefused.
    """
    variants = experiment["variants"]
    runs_of = {variant["name"]: [] for variant in variants}
    own = {name: knobs[name] for name in experiment["knobs"] if name in knobs}
    knobs = {name: knobs[name] for name in knobs if name in COMMON_KNOBS} | own
    pages = Pages()
    etags = {}

    def get(variant):
        token = {"cold": secrets.token_hex(8)} if cold else {}
        timing, answer = ask(client, variant, knobs | token, etags.get(variant["name"]))
        if experiment["clock"] == "client":
            timing["total"] = answer.outside_ms
        if variant["revalidates"] and "etag" in answer.headers:
            etags[variant["name"]] = answer.headers["etag"]
        if not variant["differs"] and answer.status == 200:
            pages.add(variant["name"], answer.body)
        return timing

    known = warm_up(client, variants, get)
    client.end_warm_up()
    for number in range(runs):
        for variant in in_turn(variants, number):
            runs_of[variant["name"]].append(_from_a_known_worker(variant, get, known))
            tick()
    slow, *_, fast = [variant["name"] for variant in variants if not variant["reference"]]
    ratio = stats.ratio_of_medians(
        [run["total"] for run in runs_of[slow]], [run["total"] for run in runs_of[fast]]
    )
    summaries = []
    for variant in variants:
        peak = memory_peak(client, variant, knobs) if experiment["figure"] == "memory" else None
        found = {"name": variant["name"], "reference": variant["reference"], "memory_peak": peak}
        summaries.append(found | summary(runs_of[variant["name"]]))
    return {
        "slug": experiment["slug"],
        "clock": experiment["clock"],
        "figure": experiment["figure"],
        "variants": summaries,
        "ratio": round(ratio.value, 4),
        "ratio_low": round(ratio.low, 4),
        "ratio_high": round(ratio.high, 4),
        "same_page": not pages.differences,
        "differences": pages.differences,
    }


def in_turn(variants, number) -> list:
    """The variants in the order of a round: each comes first as often as any other."""
    first = number % len(variants)
    return variants[first:] + variants[:first]


def warm_up(client, variants, get) -> set:
    """Ask until no new worker turns up; return the pairs of variant and worker that answered."""
    known = set()
    quiet = number = 0
    while quiet < client.quiet_answers and number < MOST_FOR_WARM_UP:
        for variant in in_turn(variants, number):
            answered = (variant["name"], get(variant)["worker"])
            quiet = 0 if answered not in known else quiet + 1
            known.add(answered)
        number += 1
    return known


def _from_a_known_worker(variant, get, known):
    """A run; a worker that has not answered this variant before is given one to warm up."""
    for _ in range(MOST_FOR_WARM_UP):
        timing = get(variant)
        answered = (variant["name"], timing["worker"])
        if answered in known:
            return timing
        known.add(answered)
    raise Failed(
        f"{variant['name']}: every answer comes from another worker (is max_requests set?)"
    )


def memory_peak(client, variant, knobs) -> int | None:
    """The most bytes of memory that Python held while it made a page, by one traced request.

    None where the lab traces nobody: it is public, or behind a proxy.
    """
    _, answer = ask(client, variant, knobs | {"trace": "memory"})
    trace = answer.headers.get("x-perflab-trace")
    return _json(client, f"/traces/{trace}.json")["memory_peak"] if trace else None


def ask(client, variant, knobs, etag=None) -> tuple[dict, Answer]:
    """One page of a variant: what `Server-Timing` says of it (and `bytes`, `outside`), and all of
    it.

    With the ETag of an earlier answer, a 304 will do. Raises Failed if it is not the page, and
    LabRefused if the lab says why it will not make it.
    """
    headers = {"If-None-Match": etag} if etag else {}
    answer = client.get(f"{variant['url']}?{urlencode(knobs)}", **headers)
    if answer.status not in ((200, 304) if etag else (200,)):
        told = _told(answer.body)
        if answer.status in (400, 503) and told:
            raise LabRefused(told)
        raise Failed(f"{variant['name']} answered {answer.status}" + (f": {told}" if told else ""))
    try:
        timing = server_timing.read(answer.headers.get("server-timing", ""))
    except ValueError:
        timing = {}
    if METRICS - timing.keys():
        raise Failed(f"{variant['name']} came without the lab's Server-Timing")
    timing |= {"bytes": answer.wire_bytes, "outside": answer.outside_ms}
    return timing, answer


def _told(body):
    """What an error page of the lab says, in one line; "" for anything else."""
    page = body.decode(errors="replace")
    found = (part.search(page) for part in (HEADING, LEAD))
    text = ". ".join(part[1].rstrip(".") for part in found if part)
    return f"{' '.join(unescape(text).split())}." if text else ""


class Pages:
    """Compares every page with the first one; the clock is not running."""

    def __init__(self):
        self.reference = None
        self.seen = set()
        self.differences = {}  # name of the variant -> the lines in which its page differs

    def add(self, name, body):
        if name in self.differences or hash(body) in self.seen:
            return
        self.seen.add(hash(body))
        page = body.decode(errors="replace")
        if self.reference is None:
            self.reference = page
        if lines := page_diff.difference(self.reference, page):
            self.differences[name] = lines


def summary(runs) -> dict:
    """What the runs of one variant come to. Counts are the median run's; `varied` names those that
    were not the same in each run."""

    def times(metric):
        values = [run[metric] for run in runs if metric in run]
        return round(stats.median(values), 3) if values else None

    totals = [run["total"] for run in runs]
    return {
        "runs": len(runs),
        "median_ms": round(stats.median(totals), 3),
        "p95_ms": round(stats.p95(totals), 3),
        **{count: statistics.median_low(run[count] for run in runs) for count in COUNTS},
        "sql_ms": times("sql"),
        "cpu_ms": times("cpu"),
        "cache_ms": times("cache"),
        "outside_ms": times("outside"),
        "errors": sum(run["errors"] for run in runs),
        "varied": [count for count in COUNTS if len({run[count] for run in runs}) > 1],
        "workers": len({run["worker"] for run in runs}),
        "samples_ms": totals,
    }


def _json(client, path):
    """What an address answers as JSON. Raises ValueError."""
    answer = client.get(path)
    found = json.loads(answer.body)
    if not isinstance(found, dict):
        raise ValueError(f"{path} is not an object")
    return found
