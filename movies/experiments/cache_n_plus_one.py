"""A cache has its N+1 too: one call for each film, where one call brings them all.

The page shows each film with its countries, and keeps what it shows of a film under a key of its
own, so that a film that changes costs one entry and not the page. Both views run the same queries,
one for the ids and, for films that are not in the cache, two that make them.

The slow view asks the cache for one film after the other. Each `get` is quick, but each is a round
trip to the cache's server: a page of a hundred films waits for a hundred of them. It looks harmless
since no query shows it; look at the number of *cache calls*. The fast view asks with `get_many` for
all at once, and keeps what was missing with `set_many`. That is one round trip each.

**In local memory** no call is a round trip, and Django's `get_many` is a loop over `get`. You save
calls and hardly any time: turn the knob *cache* and compare. There is another trap. `LocMemCache`
keeps 300 entries if you do not say more. When it is full, it throws out the third that was not used
for longest. A page of 300 films misses nothing on its second visit; a page of 301 films misses 100
on every visit, and a page of 1,000 misses 700. The caches in files and in a table keep 300 too. So
set `MAX_ENTRIES`: the settings are shown below the code, and the lab has its own.

**When it matters.** With every cache that is a server, and the more the farther it is. In any case
it costs time to take a hundred small values apart: where no single film has to be thrown out, one
entry for the whole list is quicker than both.
"""

from django.core.cache import cache
from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def ids(rows):
    """The films of this page."""
    return list(Movie.objects.order_by("id").values_list("id", flat=True)[:rows])


def made(missing):
    """What the page shows of the films that the cache does not have, by their ids."""
    movies = Movie.objects.filter(id__in=missing).prefetch_related("countries") if missing else ()
    return {
        movie.id: {"title": str(movie), "countries": [str(c) for c in movie.countries.all()]}
        for movie in movies
    }


def one_by_one(request, rows):
    # Expect 1 query for the ids, and 2 more for the films that are not in the cache.
    wanted = ids(rows)
    found = {id: cache.get(f"film:{id}") for id in wanted}
    missing = made([id for id in wanted if found[id] is None])
    for id, film in missing.items():
        cache.set(f"film:{id}", film, 60)
    found |= missing
    return render(request, "movies/film_entries.html", {"movies": [found[id] for id in wanted]})


def all_at_once(request, rows):
    # Expect 1 query for the ids, and 2 more for the films that are not in the cache.
    wanted = ids(rows)
    found = cache.get_many([f"film:{id}" for id in wanted])
    missing = made([id for id in wanted if f"film:{id}" not in found])
    if missing:
        cache.set_many({f"film:{id}": film for id, film in missing.items()}, 60)
    found |= {f"film:{id}": film for id, film in missing.items()}
    movies = [found[f"film:{id}"] for id in wanted]
    return render(request, "movies/film_entries.html", {"movies": movies})


SETTINGS = """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},  # 300 if you do not say; Redis and Memcached count none
    },
}
"""
QUERIES = {"queries": Queries(3), "warm": Queries(1)}

experiment = Experiment(
    title="The cache's own N+1",
    topic="A cache that helps little, or answers wrong",
    remedy="one call for all",
    figure="cache_calls",
    cost="The whole answer has to arrive before the first film can be shown. Redis works on one "
    "command at a time, so all other clients wait meanwhile: ask for a few thousand keys at once "
    "and no more.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#basic-usage",
    not_at=Setting(
        cache="locmem",
        why="Local memory is in the worker itself. It saves as many cache calls, but no call is "
        "a round trip there, so the page is hardly faster.",
    ),
    variants=(
        Variant("slow", one_by_one, **QUERIES, also=(ids, made), settings=SETTINGS),
        Variant("fast", all_at_once, **QUERIES, also=(ids, made), settings=SETTINGS),
    ),
)
