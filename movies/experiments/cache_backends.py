"""One page, one line of cache code, and the same answer from every kind of cache there is.

The view keeps its finished HTML with the low-level API. All variants run the very same function,
and only the cache behind it differs: Django's setting `CACHES` names it, no line of code does. With
a warm cache the page is one `get` and little else, so the figures compare the caches.

A table in the *database* needs nothing new, but reading it is a query and writing it is three. A
*file* is read from the operating system's memory as long as that lasts; writing one is dearer, and
throwing old ones out means listing the folder. *Memcached* and *Redis* are servers of their own: a
round trip for each call, and one copy for all workers and machines. *Local memory* has no way to
go at all, and it is each worker's own: every worker computes the page once, and none of them hears
that another has deleted it.

**When it matters.** Choose by who has to share, not by the figures alone: between a network cache
and none lie a database's queries, between two network caches only microseconds. Only those that
this lab is configured with are shown.
"""

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.template.loader import render_to_string

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


def page(request, rows):
    # Expect 2 queries while the page is not in the cache, and none when it is. Where the cache is
    # the database, expect 1 more to look, and 3 more to keep what was not there.
    html = cache.get(f"programme:{rows}")
    if html is None:
        movies = Movie.objects.select_related("director").prefetch_related("countries")
        context = {"movies": movies.order_by("id")[:rows]}
        html = render_to_string("movies/programme.html", context)
        cache.set(f"programme:{rows}", html, 60)
    return HttpResponse(html)


def variant(alias):
    """The page in one of the caches."""
    if alias == "database":
        return Variant(alias, page, Queries(2 + 1 + 3), warm=Queries(1), cache=alias)
    return Variant(alias, page, Queries(2), warm=Queries(0), cache=alias)


experiment = Experiment(
    title="Which cache?",
    topic="Which cache",
    remedy="the nearest cache",
    figure="time",
    cost="The nearer a cache, the fewer share it: local memory has a copy in every worker, and a "
    "change reaches one of them. A cache server is one more thing to run, to watch and to lose.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#setting-up-the-cache",
    variants=tuple(
        variant(alias)
        for alias in ("database", "memcached", "redis", "file", "locmem")
        if alias in settings.CACHE_BACKENDS
    ),
)
