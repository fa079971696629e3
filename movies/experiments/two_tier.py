"""Two caches, one behind the other: local memory for a moment, and what all workers share.

The first variant has one tier, the cache that all workers share. On a hit the request goes out
through a socket and the page comes back, and for a page that costs nothing else that is most of the
work. *two tiers* asks the worker's own memory first, and the shared cache only when that copy is
over two seconds old. So each worker asks Redis or Memcached once in two seconds, however many
visitors it has, and the database is asked once for all of them.

What is kept is the whole page, as the bytes that are sent: nothing is rendered on a hit. Two pages
stand beside them for reference. *uncached* makes the page each time. *bare* answers "ok" through
the same middleware: no cache of this kind can save more than that.

The price is a window of time. A change deletes the page from the shared cache, and from the memory
of the worker that makes the change. It cannot reach the memory of the other workers. Until their
copies run out, some answers show the new page and some the old one, even to the same visitor, one
after the other. Play the story with more than one worker.

**When it matters.** For the few pages or values that nearly every request needs: the home page,
settings, permissions, translations. And only where two visitors may see different states for as
long as the local copy lives: choose its time-out by how long that may be.
"""

from functools import partial

from django.core.cache import cache, caches
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from movies.experiments.stale_page import TONIGHT, film_of
from movies.models import Movie, Tonight
from perflab.catalogue.registry import Experiment, Queries, Step, Variant

# The lab's own aliases are the same, but stand behind a cache that counts the calls.
CACHES = """
CACHES = {
    "default": {  # which all workers share
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379/1",
    },
    "local": {  # which each worker has for itself
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "local",
        "OPTIONS": {"MAX_ENTRIES": 1000},  # 300 if you do not say
    },
}
"""
LOCAL_S = 2  # for how long a worker may still show what another one has changed
SHARED_S = 60


def make_page(request, rows):
    """The page as the bytes that are sent: 4 queries, and the template."""
    film = film_of(Tonight.now())
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/tonight.html", {"film": film, "movies": movies}).content


def shared_page(request, rows):
    """The page from the cache that all workers share."""
    page = cache.get(f"tonight:{rows}")
    if page is None:
        page = make_page(request, rows)
        cache.set(f"tonight:{rows}", page, SHARED_S)
    return page


def uncached(request, rows):
    # Expect 4 queries every time: which film it is, the film, its place, then the list.
    return HttpResponse(make_page(request, rows))


def shared(request, rows):
    # Expect 4 queries while the page is not in the shared cache, and none when it is.
    return HttpResponse(shared_page(request, rows))


def two_tiers(request, rows):
    # Expect 4 queries while it is in neither cache. caches["local"] is a LocMemCache.
    page = caches["local"].get(f"tonight:{rows}")
    if page is None:
        page = shared_page(request, rows)
        caches["local"].set(f"tonight:{rows}", page, LOCAL_S)
    return HttpResponse(page)


def bare(request, rows):
    # Expect nothing: what is left is Django, its middleware and the server.
    return HttpResponse("ok")


def change_shared(request, rows):
    """Somebody changes the film, and deletes this page. A page of other length has to expire."""
    Tonight.change()
    transaction.on_commit(partial(cache.delete, f"tonight:{rows}"))


def change_both(request, rows):
    """The same, in this worker's memory too. No other worker's can be reached from here."""
    Tonight.change()
    transaction.on_commit(partial(cache.delete, f"tonight:{rows}"))
    transaction.on_commit(partial(caches["local"].delete, f"tonight:{rows}"))


PAGE = {"queries": Queries(4), "templates": ("movies/tonight.html",)}

experiment = Experiment(
    title="Two tiers of cache",
    topic="Which cache",
    remedy="the local tier in front of the shared one",
    figure="time",
    cost="Two time-outs to think about instead of one, the page's memory once in every worker, and "
    "after a change up to 2 s in which one visitor sees the new page and the next the old one.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#accessing-the-cache",
    variants=(
        Variant(
            "shared",
            shared,
            **PAGE,
            warm=Queries(0),
            change=change_shared,
            also=(shared_page, make_page, change_shared),
        ),
        Variant(
            "two-tiers",
            two_tiers,
            **PAGE,
            warm=Queries(0),
            change=change_both,
            settings=CACHES,
            also=(shared_page, make_page, change_both),
        ),
        Variant("uncached", uncached, **PAGE, also=(make_page,), reference=True),
        Variant(
            "bare",
            bare,
            Queries(0),
            differs='This page is the word "ok" alone: what Django and the server take at least.',
            reference=True,
        ),
    ),
    truth="first",
    story_data=TONIGHT,
    story=(
        Step("Twelve visitors ask, so that every worker answers.", requests=12, together=True),
        Step("The film is changed, and twelve ask.", requests=12, together=True, change=True),
        Step("Two and a half seconds later.", requests=12, together=True, wait_s=2.5),
    ),
)
