"""Every worker believes that it is alone: a cache in local memory is one cache per worker.

Django's default cache, `LocMemCache`, is a dictionary in the process. Gunicorn's workers are
processes, so with four workers there are four dictionaries: each page is computed four times,
kept four times and expires at four moments, and what one worker deletes, the others still have.
After a deployment, or when `max_requests` has a worker replaced, it begins empty.

The variants *local* and *shared* run the same code; only the cache behind `cache.get` is another.
Play the story and compare the misses: one for each worker that answered, or one for all. And look
at the times too, since the textbook leaves that out: a hit in local memory is the faster one. It
asks nobody. What it loses is agreement, and its hit rate falls with the number of workers.

**When it matters.** With more than one worker, that is nearly always: counters, locks, rate
limits and whatever is deleted on a change are wrong in local memory. Values that may be a little
old and are the same for all are well kept there, best in front of a shared cache.
"""

from django.conf import settings
from django.core.cache import cache
from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Step, Variant

SHARED = settings.LAB_CACHES[0]  # Redis or Memcached, whichever is configured
if SHARED == "locmem":
    __doc__ += """
**This lab has no shared cache.** Neither Redis nor Memcached is configured here, so *shared* is
local memory as well and both variants show the same. Start the lab with a `REDIS_URL`.
"""


def programme(rows):
    """What the page shows: films with directors and countries, fetched here and now."""
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    return list(movies.order_by("id")[:rows])


def uncached(request, rows):
    # Expect 2 queries every time: the films with their directors, then the countries.
    return render(request, "movies/programme.html", {"movies": programme(rows)})


def cached(request, rows):
    # Expect 2 queries once a minute: in local memory from each worker, in a shared cache from one.
    movies = cache.get(f"programme:{rows}")
    if movies is None:
        movies = programme(rows)
        cache.set(f"programme:{rows}", movies, 60)
    return render(request, "movies/programme.html", {"movies": movies})


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
            also=(programme,),
            templates=("movies/programme_list.html",),
        ),
        Variant(
            "local",
            cached,
            Queries(2),
            warm=Queries(0),
            also=(programme,),
            templates=("movies/programme_list.html",),
            cache="locmem",
        ),
        Variant(
            "shared",
            cached,
            Queries(2),
            warm=Queries(0),
            also=(programme,),
            templates=("movies/programme_list.html",),
            cache=SHARED,
        ),
    ),
    figure="correctness",
    truth="once",
    story=(
        Step("Forty visitors ask, one after the other: who had it?", requests=40, read="workers"),
        Step("Forty more: who has it now?", requests=40, read="workers"),
    ),
)
