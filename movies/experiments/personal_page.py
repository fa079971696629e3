"""Correctness before speed: a cached page that greets its visitor by name greets everybody so.

`cache_page` wraps the view and nothing else. It files the page under its address and under the
request headers that the answer's `Vary` names *at that moment*. This view has read the session,
so `SessionMiddleware` adds `Vary: Cookie` to the answer, but that middleware runs later: the page
is stored by then, under its address alone. The next visitor is handed the first one's page. Play
the story below: on the variant *leaking* Bob is greeted as Ada. What Bob gets says `max-age=60` and
has no `Vary: Cookie`, so a CDN in front of the site would hand Ada's page to everybody too.

There are three cures. `vary_on_cookie`, inside `cache_page`, says in time that the page depends on
the cookies: each visitor now has a copy of their own, and each of them pays for it once.
`cache_control(private=True)`, inside `cache_page`, says that the page belongs to one visitor:
Django stores no such page, and neither does a CDN. It is right and saves nothing; use it for single
pages of a site that caches all the others. A fragment saves most: only the list is cached, for all
visitors together, and the greeting stays outside.

**When it matters.** Every page behind a login, and every page with a name, a basket or a message
on it. The leak does not show in a test with one visitor, nor to a developer who is alone with
the site. So test a cached view with two visitors.
"""

from django.shortcuts import render
from django.views.decorators.cache import cache_control, cache_page
from django.views.decorators.vary import vary_on_cookie

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Step, Variant

GREETING = ("movies/greeting_uncached.html", "movies/programme_list.html")
FRAGMENT = ("movies/greeting_cached.html", "movies/programme_list.html")
CACHED = {"queries": Queries(2), "warm": Queries(0)}


def programme(request, rows):
    """What the page shows: the visitor's name, and films with directors and countries."""
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    visitor = request.session.get("visitor", "guest")
    return {"visitor": visitor, "movies": movies.order_by("id")[:rows], "movies_shown": rows}


def uncached(request, rows):
    # Expect 2 queries every time: the films with their directors, then the countries.
    return render(request, "movies/greeting_uncached.html", programme(request, rows))


@cache_page(60)
def leaking(request, rows):
    # Expect 2 queries for the first visitor of each minute. All others read that visitor's name!
    return render(request, "movies/greeting_uncached.html", programme(request, rows))


@cache_page(60)
@vary_on_cookie
def per_visitor(request, rows):
    # Expect 2 queries for each visitor's first page of each minute.
    return render(request, "movies/greeting_uncached.html", programme(request, rows))


@cache_page(60)
@cache_control(private=True)
def private(request, rows):
    # Expect 2 queries every time: Django stores no page that says that it is private.
    return render(request, "movies/greeting_uncached.html", programme(request, rows))


def fragment(request, rows):
    # Expect 2 queries while the list is not in the cache, whoever asks, and none when it is.
    return render(request, "movies/greeting_cached.html", programme(request, rows))


experiment = Experiment(
    title="A personal page, cached",
    topic="A cache that helps little, or answers wrong",
    first_workshop=True,
    remedy="the cached fragment",
    cost="With `vary_on_cookie` a copy of the page in the cache for every visitor, and for every "
    "other cookie that changes; with `private` all that the cache would have saved; with a "
    "fragment the work of rendering what surrounds it.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#using-vary-headers",
    variants=(
        Variant("uncached", uncached, Queries(2), templates=GREETING, also=(programme,)),
        Variant("leaking", leaking, **CACHED, templates=GREETING, also=(programme,)),
        Variant("per-visitor", per_visitor, **CACHED, templates=GREETING, also=(programme,)),
        Variant(
            "private",
            private,
            Queries(2),
            warm=Queries(2),
            templates=GREETING,
            also=(programme,),
        ),
        Variant("fragment", fragment, **CACHED, templates=FRAGMENT, also=(programme,)),
    ),
    figure="correctness",
    truth="greeting",
    story=(
        Step("Ada asks for the page.", visitor="Ada"),
        Step("Bob asks for it. What does he read?", visitor="Bob"),
        Step("Ada comes back.", visitor="Ada"),
        Step(
            "Eve asks for the first time. What does she read, and after how many queries?",
            visitor="Eve",
            read="queries",
        ),
    ),
)
