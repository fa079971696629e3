"""The fastest code is code that does not run: keep the whole page for a minute.

Both views make the same page with the same two queries; nothing is wrong with the slow one. But
the page is read often, is not cheap to make, and need not change from one second to the next.
So the fast view is wrapped in `cache_page(60)`: the first visitor pays for the page, and for
sixty seconds every other one is handed the stored copy. No query is run, and no template is
rendered.

**When it matters.** Read-heavy pages on which nothing is personal: news, catalogues, home
pages. The decorator files the page under its address, query string included, so every
combination of parameters is a page of its own.
"""

from django.shortcuts import render
from django.views.decorators.cache import cache_page

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


def slow(request, rows):
    # Expect 2 queries every time: the films with their directors, then the countries.
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    return render(request, "movies/programme.html", {"movies": movies.order_by("id")[:rows]})


@cache_page(60)
def fast(request, rows):
    # Expect 2 queries for the first visitor of each minute and none for the others.
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    return render(request, "movies/programme.html", {"movies": movies.order_by("id")[:rows]})


experiment = Experiment(
    title="Cache a whole page",
    topic="The same work at every visit",
    first_workshop=True,
    remedy="the page cache",
    cost="Staleness: a change shows up to 60 s late. Memory in the cache for every address. And a "
    "trap: a page that greets its visitor would greet everybody with the first one's name.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#the-per-view-cache",
    variants=(
        Variant("slow", slow, Queries(2), templates=("movies/programme_list.html",)),
        Variant(
            "fast",
            fast,
            Queries(2),
            warm=Queries(0),
            templates=("movies/programme_list.html",),
        ),
    ),
)
