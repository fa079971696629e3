"""Does an experiment keep its promises, here, on this database and this cache?

It must show the same page on every variant that does not say why it differs, cold and warm, and
each variant must run the number of queries that it names. `manage.py verify` says so, and the tests
ask the same questions.
"""

from django.conf import settings
from django.test import Client
from django.urls import reverse

from perflab import caches
from perflab.catalogue.registry import Experiment, Variant
from perflab.measure import server_timing

from . import page_diff


def broken_promises(experiment: Experiment, rows: int, cache: str) -> list[str]:
    """A sentence for each promise that a page of so many rows does not keep, [] when all hold.

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
            response = fetch(experiment, variant, rows, cache, etag)
            page = body(response)  # a stream runs its queries while it is read
            unchanged = bool(etag)
            etag = response.get("ETag", "") if variant.revalidates else ""
            if response.status_code != (304 if unchanged else 200):
                broken.append(f"{where}: status {response.status_code}")
                continue
            timing = server_timing.load(response["Server-Timing"])
            promised = variant.promise(warm).at(rows)
            if timing["queries"] != promised:
                broken.append(f"{where}: {timing['queries']} queries, not {promised}")
            if timing["errors"]:
                broken.append(f"{where}: the cache {cache} failed {timing['errors']} times")
            if not variant.differs and not unchanged:
                pages.append((where, page))
    for where, page in pages[1:]:
        if differing := page_diff.difference(pages[0][1], page):
            broken.append(f"{where}: not the page of {pages[0][0]}:\n" + "\n".join(differing))
    return broken


def fetch(experiment: Experiment, variant: Variant, rows: int, cache: str, etag: str = ""):
    """One measured response of a variant, in process, through the whole of the middleware."""
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0], raise_request_exception=False)
    url = reverse("variant", args=[experiment.slug, variant.name])
    headers = {"If-None-Match": etag} if etag else {}
    return client.get(url, {"movies": rows, "cache": cache}, secure=settings.HTTPS, headers=headers)


def body(response) -> str:
    """The whole text of a response, of one that is streamed too."""
    return b"".join(response).decode()
