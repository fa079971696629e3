"""A film has many countries: no join can put them in one row, a second query can.

`select_related` follows a foreign key, where there is one director per film. A many-to-many
relation has many rows on the other side; a join would repeat the film for each of its countries. So
the slow view does what comes naturally, `movie.countries.all` in the template, and pays one query
per film.

The fast view asks with `prefetch_related("countries")`: one query for the films, one for *all*
their countries, and Django puts each country on its films in memory. The number of queries no
longer grows with the rows.

A *generic* relation, a `GenericForeignKey`, has no table that a join could name: `select_related`
cannot follow it. `prefetch_related` can, with one query for each type of object that occurs, and
`GenericPrefetch` gives each of these a queryset of its own.

**When it matters.** Wherever a list shows tags, countries, authors or roles. Write `.all` in the
template: a `.filter()` or `.order_by()` there would leave the prefetched rows unused and ask again.
"""

from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def slow(request, rows):
    # Expect 1 query for the films and, in the template, 1 for each film's countries.
    movies = Movie.objects.order_by("id")[:rows]
    return render(request, "movies/with_countries.html", {"movies": movies})


def fast(request, rows):
    # Expect 2 queries: the films, then the countries of all of them.
    movies = Movie.objects.prefetch_related("countries").order_by("id")[:rows]
    return render(request, "movies/with_countries.html", {"movies": movies})


experiment = Experiment(
    title="Many-to-many relations",
    topic="Too many queries",
    first_workshop=True,
    remedy="prefetching",
    cost="Memory: all related objects are held at once, and the second query names every film's "
    "id, which grows long on pages of thousands of rows.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/querysets/#prefetch-related",
    not_at=Setting(movies=1, why="For one film both variants send two queries."),
    variants=(
        Variant("slow", slow, Queries(1, per_row=1), templates=("movies/with_countries.html",)),
        Variant("fast", fast, Queries(2), templates=("movies/with_countries.html",)),
    ),
)
