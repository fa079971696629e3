"""The same page kept at six depths: the later the copy is taken, the less is left to do with it.

Every page is made in steps: query, put the rows in shape, render a part, render the whole, pass the
response out through the middlewares. A copy can be kept after each of them, and what comes after
that step still has to be done for every visitor.

The first variant keeps nothing. *Data* keeps the rows, and renders them each time. *Fragment* keeps
the table that the template makes of them, with the page around it still rendered. *Page* is
`cache_page`, which keeps the whole response, and *html* keeps the finished text under a key of the
view's own, which needs one look into the cache where `cache_page` needs two.

*Site* uses Django's cache for the whole site in the order that the documentation asks for:
`UpdateCacheMiddleware` first, so that it keeps what all other middlewares have made, and
`FetchFromCacheMiddleware` last. A hit never reaches the view, but it passes every other middleware.
*Site first* puts both in the first place, against the documentation, so a hit passes no other
middleware. That saves their time, and breaks what they do. `LocaleMiddleware` has not chosen the
language yet when the cache is asked, so a visitor can get the page in the language of the visitor
before. No session is renewed, and no middleware asks whether this visitor may come in. Use it only
for a site that has one language and no login.

The *bare* response is there for reference: a view that says “ok” and nothing more. It shows what a
Django request costs here with nothing to do, so no view can be quicker. Only *site first* can be,
because it answers before the other middlewares.

**When it matters.** Take the copy as late as the page allows. Data can be used by many pages, a
fragment is part of a page that is otherwise personal, and a whole response must be the same for
everyone. Once a page is near the bare response, its cache is no longer what to work on. Which of
two variants with one and with two looks into the cache is quicker depends on how far the cache is:
try the knob *cache*.
"""

from functools import partial

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import cache_page

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


def films(rows):
    """What the page shows of each film: plain values, which any cache keeps well."""
    # Expect 2 queries: the films with their directors, then the countries.
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    return [
        {
            "title": str(movie),
            "director": movie.director.name,
            "countries": ", ".join(country.name for country in movie.countries.all()),
        }
        for movie in movies.order_by("id")[:rows]
    ]


def nothing(request, rows):
    # Expect 2 queries every time.
    return render(request, "movies/catalogue.html", {"movies": films(rows)})


def data(request, rows):
    # Expect 2 queries while the data are not in the cache, and none when they are.
    movies = cache.get_or_set(f"films:{rows}", partial(films, rows), 60)
    return render(request, "movies/catalogue.html", {"movies": movies})


def fragment(request, rows):
    # Expect 2 queries when the template calls the function: while the fragment is not cached.
    context = {"movies": partial(films, rows), "movies_shown": rows}
    return render(request, "movies/catalogue_cached.html", context)


@cache_page(60)
def page(request, rows):
    # Expect 2 queries for the first visitor of each minute and none for the others.
    return render(request, "movies/catalogue.html", {"movies": films(rows)})


def html(request, rows):
    # Expect 2 queries while the text is not in the cache, and none when it is.
    def make():
        return render_to_string("movies/catalogue.html", {"movies": films(rows)})

    return HttpResponse(cache.get_or_set(f"html:{rows}", make, 60))


def site(request, rows):
    # Expect 2 queries for the first visitor of each minute; the others never come here.
    return render(request, "movies/catalogue.html", {"movies": films(rows)})


def site_first(request, rows):
    # Expect 2 queries for the first visitor of each minute; the others never come here.
    return render(request, "movies/catalogue.html", {"movies": films(rows)})


def bare(request, rows):
    # Expect no query, and no page either.
    return HttpResponse("ok")


DOCUMENTED = """
MIDDLEWARE = [
    "django.middleware.cache.UpdateCacheMiddleware",  # first
    *MIDDLEWARE,
    "django.middleware.cache.FetchFromCacheMiddleware",  # last
]
CACHE_MIDDLEWARE_SECONDS = 60
"""
BOTH_FIRST = """
MIDDLEWARE = [
    "django.middleware.cache.UpdateCacheMiddleware",
    "django.middleware.cache.FetchFromCacheMiddleware",  # before those that a hit should pass
    *MIDDLEWARE,
]
CACHE_MIDDLEWARE_SECONDS = 60
"""
WHOLE = ("movies/catalogue.html", "movies/catalogue_list.html")
CACHED = {"queries": Queries(2), "warm": Queries(0)}

experiment = Experiment(
    title="What to cache",
    topic="The same work at every visit",
    remedy="the site's cache",
    figure="time",
    cost="The later the copy, the more is frozen in it: a fragment leaves the visitor's name out, "
    "a whole response leaves nothing out. The site's cache keeps every page that does not say that "
    "it is private. With both middlewares first, no other middleware sees a hit: not the one for "
    "languages, nor the one for sessions.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#the-per-site-cache",
    variants=(
        Variant("nothing", nothing, Queries(2), templates=WHOLE, also=(films,)),
        Variant("data", data, **CACHED),
        Variant("fragment", fragment, **CACHED, templates=("movies/catalogue_cached.html",)),
        Variant("page", page, **CACHED),
        Variant("html", html, **CACHED),
        Variant("site", site, **CACHED, site_cache=60, settings=DOCUMENTED),
        Variant(
            "site-first",
            site_first,
            **CACHED,
            site_cache=60,
            site_cache_first=True,
            settings=BOTH_FIRST,
        ),
        Variant(
            "bare",
            bare,
            Queries(0),
            differs="This page holds the word “ok” alone: it shows what Django itself costs.",
            reference=True,
        ),
    ),
)
