"""One page, step by step from naive to cached: each variant is one small change to the one before.

The page never changes: films, each with its director and its countries. What changes is how much
work it takes, and of what kind.

The first two changes save *queries*. `select_related` joins the directors, `prefetch_related`
fetches all countries at once, and after that the number of queries no longer grows with the rows.
Then `only` leaves out the columns that are not shown, which saves little here. `values` does
without *model instances*: plain dictionaries, made of the same two queries. From here on it is not
the database that takes the time, but Python.

The next three changes save the *work itself*, as long as nobody minds a page that is up to a minute
old. *Cached data* keeps the rows, and what is left of the time is mostly the template. *Cached
HTML* keeps what the template made. `cache_page` does the same with one line, headers and all, and
asks the cache twice for it, once for what the page varies on and once for the page. It need not be
quicker than the variant before, only simpler.

A *bare* view stands beside these variants for reference. It answers "ok" and nothing else, so it
shows what Django itself costs here. No page can be quicker, and the distance from a variant to it
is what is left to save.

**When it matters.** The order is the lesson. Queries first: they cost nothing but a line, and every
later variant profits from them. Caching last: it hides a slow page from most visitors, and shows it
to the first one of every minute. Stop as soon as the page is quick enough.
"""

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_page

from movies.models import Country, Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


def naive(request, rows):
    # Expect 1 query for the films and, in the template, 2 for each: its director, its countries.
    movies = Movie.objects.order_by("id")
    return render(request, "movies/programme.html", {"movies": movies[:rows]})


def select_related(request, rows):
    # Expect 1 query for the films with their directors, and 1 for each film's countries.
    movies = Movie.objects.order_by("id")
    movies = movies.select_related("director")
    return render(request, "movies/programme.html", {"movies": movies[:rows]})


def prefetch_related(request, rows):
    # Expect 2 queries: the films with their directors, then the countries of all of them.
    movies = Movie.objects.order_by("id")
    movies = movies.select_related("director")
    movies = movies.prefetch_related("countries")
    return render(request, "movies/programme.html", {"movies": movies[:rows]})


def only(request, rows):
    # Expect the same 2 queries, the first of the columns that are shown.
    movies = Movie.objects.order_by("id")
    movies = movies.select_related("director")
    movies = movies.prefetch_related("countries")
    movies = movies.only("title", "year", "director__name")
    return render(request, "movies/programme.html", {"movies": movies[:rows]})


def programme(rows):
    """The films as dictionaries of what the page shows: 2 queries, and no model instances."""
    movies = Movie.objects.order_by("id").values("id", "title", "year", "director__name")[:rows]
    countries = {movie["id"]: [] for movie in movies}
    made_in = Country.objects.filter(movies__in=list(countries)).values_list("movies", "name")
    for movie, name in made_in.order_by("id"):
        countries[movie].append(name)
    return [{**movie, "countries": countries[movie["id"]]} for movie in movies]


def values(request, rows):
    # Expect 2 queries: the films' values with their directors' names, then the countries' names.
    movies = programme(rows)
    return render(request, "movies/programme_values.html", {"movies": movies})


def cached_data(request, rows):
    # Expect these 2 queries once a minute, and none in between. The page is rendered every time.
    movies = cache.get_or_set(f"programme-{rows}", lambda: programme(rows), 60)
    return render(request, "movies/programme_values.html", {"movies": movies})


def cached_html(request, rows):
    # Expect these 2 queries and the rendering once a minute, and neither in between.
    html = cache.get_or_set(f"programme-{rows}", lambda: values(request, rows).content, 60)
    return HttpResponse(html)


@cache_page(60)
def whole_page(request, rows):
    # Expect the same: 2 queries once a minute, and none in between.
    return values(request, rows)


def bare(request, rows):
    # Expect no query, no call to the cache and no template.
    return HttpResponse("ok")


MODELS = {"templates": ("movies/programme_list.html",)}
VALUES = {"templates": ("movies/programme_values_list.html",)}
CACHED = {"queries": Queries(2), "warm": Queries(0), **VALUES}

experiment = Experiment(
    title="One page, step by step",
    topic="All of it, step by step",
    first_workshop=True,
    remedy="taking all the steps",
    figure="time",
    cost="Every variant has its own cost: wider rows, memory, dictionaries without methods. The "
    "cached pages are up to 60 s old, and the cache has to run.",
    docs="https://docs.djangoproject.com/en/5.2/topics/performance/",
    variants=(
        Variant("naive", naive, Queries(1, per_row=2), **MODELS),
        Variant("select-related", select_related, Queries(1, per_row=1), **MODELS),
        Variant("prefetch-related", prefetch_related, Queries(2), **MODELS),
        Variant("only", only, Queries(2), **MODELS),
        Variant("values", values, Queries(2), also=(programme,), **VALUES),
        Variant("cached-data", cached_data, also=(programme,), **CACHED),
        Variant("cached-html", cached_html, also=(values, programme), **CACHED),
        Variant("cache-page", whole_page, also=(values, programme), **CACHED),
        Variant(
            "bare",
            bare,
            Queries(0),
            differs="This page holds the word ok alone: it shows what Django itself costs.",
            reference=True,
        ),
    ),
)
