"""Every worker believes that it is alone: a cache in local memory is one cache per worker.

Django's default cache, `LocMemCache`, is a dictionary in the process. Gunicorn's workers are
processes, so with four workers there are four dictionaries: each page is computed four times,
kept four times and expires at four moments, and what one worker deletes, the others still have.
After a deployment, or when `max_requests` has a worker replaced, it begins empty.

The variants *local* and *shared* run the same code; only the cache behind `cache.get` is another.
Play the story and compare the *hit rate*, the share of requests that found what they asked for: it
is the lesson's figure.
Local memory misses once for each worker that answered, a shared cache misses once for all. So the
hit rate of local memory falls with each worker that you add. A single hit in local memory is
quicker: it asks no other process.

`LocMemCache` also keeps 300 entries if you do not set `MAX_ENTRIES`. A site with more pages than
that misses again and again, in every worker, and no error says so.

What is kept are plain values, not instances of a model. A pickled instance is larger and slower to
read, and after a deployment it can lack a field that the new code expects.

**When it matters.** With more than one worker, so nearly always. Counters, locks and rate limits
are wrong in local memory, and so is whatever is deleted on a change. Values that may be a little
old and are the same for all are well kept there, best in front of a shared cache.
"""

from django.conf import settings
from django.core.cache import cache
from django.shortcuts import render

from movies.experiments.what_to_cache import films
from perflab.catalogue.registry import Experiment, Queries, Step, Variant

SHARED = settings.LAB_CACHES[0]  # Redis or Memcached, whichever is configured
if SHARED == "locmem":
    __doc__ += """
**This lab has no shared cache.** Neither Redis nor Memcached is configured here, so *shared* is
local memory as well and both variants show the same. Start the lab with a `REDIS_URL`.
"""


def uncached(request, rows):
    # Expect 2 queries every time: the films with their directors, then the countries.
    return render(request, "movies/catalogue.html", {"movies": films(rows)})


def cached(request, rows):
    # Expect 2 queries once a minute: in local memory from each worker, in a shared cache from one.
    movies = cache.get(f"films:{rows}")
    if movies is None:
        movies = films(rows)
        cache.set(f"films:{rows}", movies, 60)
    return render(request, "movies/catalogue.html", {"movies": movies})


LOCAL = """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},  # 300 if you do not say
    },
}
"""
SHARED_BY_ALL = """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379/1",
    },
}
"""
CACHED = {"queries": Queries(2), "warm": Queries(0), "also": (films,)}

experiment = Experiment(
    title="A cache for each worker",
    topic="A cache that helps little, or answers wrong",
    remedy="the shared cache",
    cost="A server more to run and to watch, and on every hit the way to it: more time than local "
    "memory takes, and one more part that can be away.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#local-memory-caching",
    variants=(
        Variant(
            "uncached",
            uncached,
            Queries(2),
            also=(films,),
            templates=("movies/catalogue_list.html",),
        ),
        Variant("local", cached, **CACHED, cache="locmem", settings=LOCAL),
        Variant("shared", cached, **CACHED, cache=SHARED, settings=SHARED_BY_ALL),
    ),
    figure="correctness",
    truth="once",
    story=(
        Step("Forty visitors ask, one after the other: who had it?", requests=40, read="workers"),
        Step("Forty more: who has it now?", requests=40, read="workers"),
    ),
)
