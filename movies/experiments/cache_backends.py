"""One page, one line of cache code, and the same answer from every kind of cache there is.

The view keeps its finished HTML with the low-level API. All variants run the very same function,
and only the cache behind it differs: Django's setting `CACHES` names it, no line of code does. With
a warm cache the page is one `get` and little else, so the figures compare the caches.

A *database* table needs no new server, but reading an entry takes a query and writing one takes
three. A *file* is read quickly, because the operating system keeps files in memory. Writing one is
dear: with every `set`, Django lists the whole folder and counts its files. *Memcached* and *Redis*
are servers of their own: each call is a round trip, and one copy serves all workers and machines.
*Local memory* is in the worker itself, so a call goes nowhere. But each worker has its own: each
computes the page once, and when one worker deletes it, the others do not notice.

They also differ in what they forget. Local memory, files and the table keep 300 entries each, if
`MAX_ENTRIES` does not say more. And `cache.add`, which locks are made of, is not safe in the file
cache: Django looks whether the key is there and then writes it, so two workers can both be told
that they were first. In a table that can happen when the old entry has expired.

**When it matters.** Choose by who has to share, not by the figures alone. Local memory is quicker
than a cache server, and the page above says by how much on this machine. Between Redis and
Memcached the difference is smaller than that. Only those that this lab is configured with are
shown.
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


SETTINGS = {
    "database": """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "my_cache",  # a table: manage.py createcachetable makes it
        "OPTIONS": {"MAX_ENTRIES": 1000},
    },
}
""",
    "memcached": """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
        "LOCATION": "127.0.0.1:11211",
    },
}
""",
    "redis": """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379/1",
    },
}
""",
    "file": """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": BASE_DIR / "var" / "cache",
        "OPTIONS": {"MAX_ENTRIES": 1000},
    },
}
""",
    "locmem": """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}
""",
}


def variant(alias):
    """The page in one of the caches."""
    queries, warm = (2 + 1 + 3, 1) if alias == "database" else (2, 0)
    return Variant(
        alias,
        page,
        Queries(queries),
        warm=Queries(warm),
        cache=alias,
        settings=SETTINGS[alias],
    )


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
