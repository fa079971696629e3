"""Ask a lab for what it offers and for its pages, and refuse what is no page of a lab."""

import json
import re
from contextlib import suppress
from html import unescape
from typing import Any
from urllib.parse import urlencode

from perflab.measure import server_timing

from .clients import Answer, Getter, LabClient, NoLab
from .facts import read_collection

METRICS = {
    *("total", "sql", "cache", "queries", "duplicates", "calls", "hits", "misses", "errors"),
    *("worker", "instance"),
}
HEADING = re.compile(r"<h1>(.*?)</h1>")
LEAD = re.compile(r'<p class="lead">(.*?)</p>')

Json = dict[str, Any]  # an object of /experiments.json (an experiment, a variant), or of an answer
Timing = dict[str, Any]  # what `Server-Timing` says of one request, with `bytes` and `outside`


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
        if not rows_there(client, experiment)["rows"]:
            raise LabRefused("The database is empty: run `manage.py seed`.")


def rows_there(client: LabClient, experiment: Json) -> Json:
    """Return what the lab says of its rows for a page. Raises LabRefused."""
    try:
        return read_collection(client, experiment)
    except (ValueError, KeyError, TypeError):
        answer = client.get(f"{experiment['url']}rows.json")
        reason = _error_text(answer.body) or f"status {answer.status}"
        raise LabRefused(f"The lab does not say how many rows it has: {reason}") from None


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


def _error_text(body: bytes) -> str:
    """Return the text of one of the lab's error pages in one line, and "" for any other page."""
    page = body.decode(errors="replace")
    found = (part.search(page) for part in (HEADING, LEAD))
    text = ". ".join(part[1].rstrip(".") for part in found if part)
    return f"{' '.join(unescape(text).split())}." if text else ""


def _read_json(client: LabClient, path: str) -> Json:
    """Return the JSON object that an address answers. Raises ValueError."""
    found = json.loads(client.get(path).body)
    if not isinstance(found, dict):
        raise ValueError(f"{path} is not an object")
    return found
