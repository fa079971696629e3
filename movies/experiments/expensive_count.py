"""How many there are costs more than the page itself, and nobody has asked for the number.

The page shows the first films of at least 90 minutes. Django's `Paginator` needs the number of all
of them, for "page 1 of N" and to know whether there is a next page, and so every page runs a
`COUNT(*)` with the same filter. To count, the database has to look at every film there is. The
query for the films on the page stops after as many as it shows.

*Capped* counts no further than the reader would turn the pages: `movies[:limit].count()` stops at
the limit, here at ten pages, and the page says "more than". The fast view does not want the number
at all. It asks for one film more than it shows, and if that one is there, there is a next page.

**Without a filter** it depends on the database. SQLite counts a whole table by the pages of its
smallest index, which is quick. PostgreSQL has to look at the rows or at all entries of an index,
because each transaction may see other rows. For a number that may be old it keeps an estimate,
`reltuples` in `pg_class`, made by the last `ANALYZE`. It says nothing about a filter.

**When it matters.** Long tables with busy lists: APIs, feeds, and the admin. Its change list counts
twice, once with the filter and once without, for the link "100,000 total". `show_full_result_count
= False` on the `ModelAdmin` saves the second count; a paginator of your own,
`ModelAdmin.paginator`, the first.
"""

from django.core.paginator import Paginator
from django.shortcuts import render

from movies.models import Movie
from movies.seeding import REAL_FILMS
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant

LONG = 90  # minutes; most films are as long, and no index knows which
PAGES = 10  # that a reader may turn before the capped count says "more than"


def slow(request, rows):
    # Expect 2 queries: the number of all long films, then those of the first page.
    movies = Movie.objects.filter(minutes__gte=LONG).order_by("year", "id")
    page = Paginator(movies, rows).page(1)
    context = {"movies": page, "total": page.paginator.count, "has_next": page.has_next()}
    return render(request, "movies/counted.html", context)


def capped(request, rows):
    # Expect 2 queries: the number of long films up to a limit, then those of the first page.
    movies = Movie.objects.filter(minutes__gte=LONG)
    total = movies[: rows * PAGES + 1].count()
    context = {"movies": movies.order_by("year", "id")[:rows], "has_next": total > rows}
    context |= {"more_than": rows * PAGES} if total > rows * PAGES else {"total": total}
    return render(request, "movies/counted.html", context)


def fast(request, rows):
    # Expect 1 query: the films of the first page and, if there is one, the next page's first.
    movies = Movie.objects.filter(minutes__gte=LONG).order_by("year", "id")[: rows + 1]
    context = {"movies": list(movies)[:rows], "has_next": len(movies) > rows}
    return render(request, "movies/counted.html", context)


TEMPLATES = ("movies/counted.html",)

experiment = Experiment(
    title="The expensive count",
    topic="Queries that do too much",
    remedy="leaving the count out",
    figure="time",
    count=Movie.objects.filter(minutes__gte=LONG).count,
    cost="No last page to link to, and no “page 1 of N”. The capped count is exact only up to its "
    "limit, and where few rows pass the filter it looks at as many rows as the whole count.",
    docs="https://docs.djangoproject.com/en/5.2/ref/paginator/#django.core.paginator.Paginator.count",
    lesson=Setting(films=100_000, movies=20),
    not_at=Setting(films=REAL_FILMS, why="A small table is counted in next to no time."),
    variants=(
        Variant("slow", slow, Queries(2), templates=TEMPLATES),
        Variant(
            "capped",
            capped,
            Queries(2),
            templates=TEMPLATES,
            differs="This page says “more than” where there are more than ten pages.",
        ),
        Variant(
            "fast",
            fast,
            Queries(1),
            templates=TEMPLATES,
            differs="This page does not say how many films there are, only that there are more.",
        ),
    ),
)
