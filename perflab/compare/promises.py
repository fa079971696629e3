"""Check whether an experiment keeps its promises on this database and these caches.

It must show the same page on every variant that does not say why it differs, cold and warm, and
each variant must run the number of queries that it names. `manage.py verify` and the tests call it.
"""

from urllib.parse import urlencode

from django.urls import reverse

from perflab import caches
from perflab.catalogue.registry import Experiment, Variant
from perflab.measure import server_timing

from . import page_diff
from .clients import Answer, InProcess


def broken_promises(experiment: Experiment, rows: int, cache: str) -> list[str]:
    """Return a sentence for each promise that a page of so many rows breaks, [] when all hold.

    Each variant is fetched with a cold and then with a warm cache, or for a variant that
    revalidates without and then with the first answer's ETag. The experiment's cache entries are
    flushed.
    """
    broken = []
    pages = []
    caches.flush(experiment.slug)
    for variant in experiment.variants:
        etag = ""
        for warm in (False, True):
            where = f"{variant.name}, {'warm' if warm else 'cold'}, {rows} rows"
            answer = fetch(experiment, variant, rows, cache, etag)
            unchanged = bool(etag)
            etag = answer.headers.get("etag", "") if variant.revalidates else ""
            if answer.status != (304 if unchanged else 200):
                broken.append(f"{where}: status {answer.status}")
                continue
            timing = server_timing.read(answer.headers["server-timing"])
            expected = variant.promise(warm).at(rows)
            if timing["queries"] != expected:
                broken.append(f"{where}: {timing['queries']} queries, not {expected}")
            if timing["errors"]:
                broken.append(f"{where}: the cache {cache} failed {timing['errors']} times")
            if not variant.differs and not unchanged:
                pages.append((where, answer.body.decode()))
    for where, page in pages[1:]:
        if differing := page_diff.difference(pages[0][1], page):
            broken.append(f"{where}: not the page of {pages[0][0]}:\n" + "\n".join(differing))
    return broken


def fetch(
    experiment: Experiment, variant: Variant, rows: int, cache: str, etag: str = ""
) -> Answer:
    """Return one measured answer of a variant, in process, through the whole of the middleware."""
    path = reverse("variant", args=[experiment.slug, variant.name])
    headers = {"If-None-Match": etag} if etag else {}
    return InProcess().get(f"{path}?{urlencode({'movies': rows, 'cache': cache})}", **headers)
