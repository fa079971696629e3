"""How many there are costs more than the page itself: nobody has asked.

Django's `Paginator` needs the number of all films, for "page 1 of 19" and to know whether there is
a next page, and so every page runs a `COUNT(*)` first. A database does not keep that number: it
counts, row by row or through an index, and the more there are the longer it takes. The query for
the films on the page stops after as many as it shows.

The variant in the middle asks the planner. It keeps an estimate for every table, made by the last
`ANALYZE`, and finding it costs the same for any size; the page then says "about". The last one does
not want the number at all: it asks for one film more than it shows, and if that one is there, there
is a next page.

**When it matters.** Long tables with busy lists: the admin's change lists, APIs, feeds. With a
filter it is worse, since the rows themselves have to be looked at, and the planner's figure for the
table says nothing about a filter; then count no further than you would show,
`movies[:1001].count()`, and say "more than 1,000".
"""

from django.core.paginator import Paginator
from django.db import connection
from django.shortcuts import render

from movies.models import Movie
from movies.seeding import REAL_FILMS
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant, by_vendor

ESTIMATE = {
    "postgresql": "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
    "sqlite": "SELECT stat FROM sqlite_stat1 WHERE tbl = %s",
}


def estimated_count(model):
    """How many rows the database's planner believed a table to have at its last ANALYZE."""
    with connection.cursor() as cursor:
        cursor.execute(ESTIMATE[connection.vendor], [model._meta.db_table])
        (found,) = cursor.fetchone() or (0,)
    return max(0, int(str(found).split()[0]))  # SQLite's: "1851 19 1"; -1: never looked


def slow(request, rows):
    # Expect 2 queries: the number of all films, then those of the first page.
    movies = Movie.objects.order_by("year", "id")
    page = Paginator(movies, rows).page(1)
    context = {"movies": page, "total": page.paginator.count, "has_next": page.has_next()}
    return render(request, "movies/counted.html", context)


def estimate(request, rows):
    # Expect 2 queries: what the planner thinks, then the films of the first page.
    total = estimated_count(Movie)
    movies = Movie.objects.order_by("year", "id")[:rows]
    context = {"movies": movies, "about": total, "has_next": total > rows}
    return render(request, "movies/counted.html", context)


def fast(request, rows):
    # Expect 1 query: the films of the first page and, if there is one, the next page's first.
    movies = list(Movie.objects.order_by("year", "id")[: rows + 1])
    context = {"movies": movies[:rows], "has_next": len(movies) > rows}
    return render(request, "movies/counted.html", context)


experiment = Experiment(
    title="The expensive count",
    topic="Queries that do too much",
    remedy="leaving the count out",
    figure="time",
    cost="No last page to link to, and no “page 1 of 19”. The estimate in the middle is as old as "
    "the last ANALYZE, and a page that relies on it may link to a page that is not there.",
    docs="https://docs.djangoproject.com/en/5.2/ref/paginator/#django.core.paginator.Paginator.count",
    lesson=by_vendor(
        sqlite=Setting(movies=10, round_trip=5), postgresql=Setting(films=100_000, movies=20)
    ),
    not_at=by_vendor(
        sqlite=Setting(
            movies=10,
            why="SQLite counts a table by the pages of its smallest index, in the worker's own "
            "process: the count costs next to nothing. A round trip is what it costs elsewhere.",
        ),
        postgresql=Setting(films=REAL_FILMS, why="A small table is counted in next to no time."),
    ),
    variants=(
        Variant("slow", slow, Queries(2), templates=("movies/counted.html",)),
        Variant(
            "estimate",
            estimate,
            Queries(2),
            also=(estimated_count,),
            templates=("movies/counted.html",),
            differs="This page says “about”: its number is the planner's.",
        ),
        Variant(
            "fast",
            fast,
            Queries(1),
            templates=("movies/counted.html",),
            differs="This page does not say how many films there are, only that there are more.",
        ),
    ),
)
