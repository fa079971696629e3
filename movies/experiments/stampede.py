"""An expired page under a burst of requests: everybody finds it missing, everybody computes it.

`get`, test for `None`, compute, `set`: time passes between the first and the last of these four
steps, and the more the value costs, the more time it is. Whoever asks meanwhile finds nothing
either and computes the same value beside the others, on a database that is busy with it already.
This is called a *stampede*, and it comes when the site is busiest.

*locked* lets one compute. `cache.add` sets a key only where there is none, and says so to exactly
one caller; the others wait until the value is there. *stale* lets nobody wait: the value is kept
for longer than it is fresh, one caller is sent to make a new one, and the others take the old one
meanwhile. Nobody may wait for ever. The worker that holds the lock may die, so the lock has a
time-out. The cache may be away, so a caller who three times finds neither lock nor value computes
the value without a lock.

A browser opens at most six connections to a host, so a small program beside the lab sends the
story's burst: twelve connections are open before, and then all of them ask. The lab works on as
many as it has workers and threads, and the rest of the burst queues: two workers with one thread
each compute two at once, and a single worker cannot stampede. `locustfiles/stampede.py` brings
more users.

**When it matters.** Values that take long to make and are asked for all the time. The lock needs a
cache that all workers share: in local memory each worker has its own lock, and its own value. And
it needs an `add` that is one step. In Redis and Memcached it is. In Django's file cache it is not:
`add` looks for the key and then writes it, so two callers can get the lock. In a database table two
callers can get a lock that has expired and was never deleted, at least on PostgreSQL.
"""

from time import sleep

from django.core.cache import cache
from django.shortcuts import render

from movies.experiments.low_level_cache import decades
from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Step, Variant

FRESH_S = 2  # short, so that a reader sees it expire
KEPT_S = 60  # for how long a copy that is no longer fresh may still be shown
LOCK_S = 30  # longer than the computation takes, or a second one begins beside it


def collection(rows):
    """What the page shows: a statistic of the whole collection, and so many films."""
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return {"decades": decades(), "movies": list(movies)}


def computed_by_one(key, compute):
    """The value from the cache; where there is none one caller computes it and the others wait."""
    lock = f"{key}:lock"
    unseen = 0  # times in a row that there was neither lock nor value: is the cache away?
    while unseen < 3:
        if (value := cache.get(key)) is not None:
            return value
        if cache.add(lock, True, LOCK_S):
            try:
                return cache.get_or_set(key, compute, FRESH_S)  # made since we looked, or now
            finally:
                cache.delete(lock)
        unseen = 0 if cache.get(lock) else unseen + 1
        sleep(0.01)
    return compute()


def kept_while_one_computes(key, compute):
    """The value from the cache, however old; every FRESH_S one caller makes a new one."""
    value = cache.get(key)
    my_turn = cache.add(f"{key}:fresh", True, LOCK_S)
    if my_turn or value is None:
        value = compute()
        cache.set(key, value, KEPT_S)
        cache.set(f"{key}:fresh", True, FRESH_S)
    return value


def uncached(request, rows):
    # Expect 2 queries every time: the statistic, then the films.
    return render(request, "movies/decades.html", collection(rows))


def plain(request, rows):
    # Expect 2 queries from everybody who asks between the expiry and the first new value.
    key = f"collection:{rows}"
    context = cache.get(key)
    if context is None:
        context = collection(rows)
        cache.set(key, context, FRESH_S)
    return render(request, "movies/decades.html", context)


def locked(request, rows):
    # Expect 2 queries from one caller, and none from the others, who wait for it.
    context = computed_by_one(f"collection:{rows}", lambda: collection(rows))
    return render(request, "movies/decades.html", context)


def stale(request, rows):
    # Expect 2 queries from one caller, and none from the others, who are shown the old page.
    context = kept_while_one_computes(f"collection:{rows}", lambda: collection(rows))
    return render(request, "movies/decades.html", context)


def variant(view, helper, warm):
    """A variant that shows what is computed, and the helper in which the lesson lies."""
    return Variant(
        view.__name__,
        view,
        Queries(2),
        warm=Queries(warm),
        also=(*([helper] if helper else []), collection, decades),
        templates=("movies/decades.html",),
    )


experiment = Experiment(
    title="The stampede",
    topic="A cache that helps little, or answers wrong",
    remedy="the stale copy",
    cost="With a lock those who wait keep their workers busy with waiting. With a stale copy they "
    "read an old page, and somebody still has to be the first: an empty cache stampedes. Both "
    "are code that has to be right when a worker dies or the cache is away.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#basic-usage",
    variants=(
        variant(uncached, None, warm=2),
        variant(plain, None, warm=0),
        variant(locked, computed_by_one, warm=0),
        variant(stale, kept_while_one_computes, warm=0),
    ),
    figure="correctness",
    truth="once",
    story=(
        Step("One visitor asks: the page is made, and kept fresh for 2 seconds.", read="computed"),
        Step(
            "It has expired. Twelve ask at the same moment: how many of them computed it?",
            requests=12,
            burst=True,
            wait_s=2.5,
            read="computed",
        ),
        Step("Six more ask while it is fresh.", requests=6, together=True, read="computed"),
    ),
)
