"""One query for the films, then one more for every film's director.

A queryset is lazy: it fetches what it was asked for, when it is looked at. The slow view asks for
films alone, so each `movie.director` in the template goes back to the database, once per row. It is
the *N+1 query bug*: one query for the list, and N for what belongs to its rows. Django 5.2 does not
know beforehand that the template will want the directors, and nothing in the view looks wrong.
(From 6.1 on it can fetch the directors of all rows at the first touch, if it is told to: see [fetch
modes](/experiments/fetch-modes/).)

The fast view says it beforehand. `select_related("director")` joins the two tables in one query and
puts each director on its film. A key that may be NULL makes it a `LEFT JOIN`, so that no film is
lost; `director` may not be NULL, so here it is an `INNER JOIN`.

**When it matters.** Always when rows are many, and the more the farther the database is: every
query pays the round trip again. SQLite works in the same process and has no round trip, so there
you see mostly the Python time of the ORM; turn the *round trip* knob to see a database across a
network. If many rows share few parents, such as 1,000 films of 20 directors, try
`prefetch_related("director")`: it is two queries, but every director is fetched and built once, not
once for each film.
"""

from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def slow(request, rows):
    # Expect 1 query for the films and, in the template, 1 for each film's director.
    movies = Movie.objects.order_by("id")[:rows]
    return render(request, "movies/with_directors.html", {"movies": movies})


def fast(request, rows):
    # Expect 1 query: the films joined with their directors.
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/with_directors.html", {"movies": movies})


experiment = Experiment(
    title="The N+1 query bug",
    topic="Too many queries",
    first_workshop=True,
    remedy="the join",
    cost="A wider row: every film carries a copy of its director's columns, which costs more than "
    "it saves if the page does not show them.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/querysets/#select-related",
    not_at=Setting(movies=1, why="One film has one director: there is one query to save."),
    variants=(
        Variant("slow", slow, Queries(1, per_row=1), templates=("movies/with_directors.html",)),
        Variant("fast", fast, Queries(1), templates=("movies/with_directors.html",)),
    ),
)
