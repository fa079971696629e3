"""A list of titles fetches every film's synopsis, and shows none.

A queryset selects all columns, the long text too: the database reads it, sends it, and Python makes
a string of it for every row. There are two ways to say less, and they sound alike.

`defer("synopsis")` leaves out the one long column, and `only("title", "year")` names the ones to
fetch. Both still make *model instances*, and of each one Django has to note which fields it lacks.
So they save what the column weighs, pay for the notes, and save nothing of what an instance costs.
`values_list("title", "year")` makes no instances at all: a row is a plain tuple, here one with
names, so that the template need not change.

Look at the chart of the variants before you believe it. A synopsis here is a few paragraphs, and
leaving it out may be worth nothing, or less: more rows show it better. Of a table with scans or
large documents in it the first step would be the larger one.

**When it matters.** `defer` where a column is really large, or far away: across a network, or on
PostgreSQL, which keeps very long values in a table beside the table. `values_list` for long lists,
exports and look-ups. Where the column is short and the rows are few, neither.
"""

from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def everything(request, rows):
    # Expect 1 query, of all columns.
    movies = Movie.objects.order_by("id")[:rows]
    return render(request, "movies/titles.html", {"movies": movies})


def defer(request, rows):
    # Expect 1 query, of all columns but the long one.
    movies = Movie.objects.defer("synopsis").order_by("id")[:rows]
    return render(request, "movies/titles.html", {"movies": movies})


def only(request, rows):
    # Expect 1 query, of two columns and the id, which an instance cannot do without.
    movies = Movie.objects.only("title", "year").order_by("id")[:rows]
    return render(request, "movies/titles.html", {"movies": movies})


def values_list(request, rows):
    # Expect 1 query, of two columns; a row of it is a tuple and no Movie.
    movies = Movie.objects.values_list("title", "year", named=True).order_by("id")[:rows]
    return render(request, "movies/titles.html", {"movies": movies})


TEMPLATES = ("movies/titles.html",)

experiment = Experiment(
    title="Rows wider than the page",
    topic="Queries that do too much",
    remedy="a list of plain values",
    cost="A tuple has no methods, no get_absolute_url(), and no relations. And with defer() and "
    "only() a field that was left out is fetched when it is touched: one query per row.",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/optimization/"
    "#use-queryset-values-and-values-list",
    figure="time",
    lesson=Setting(movies=1800),
    not_at=Setting(
        movies=10,
        why="Ten rows are quick to fetch, however wide they are: most of the time goes to the rest "
        "of the page.",
    ),
    variants=(
        Variant("everything", everything, Queries(1), templates=TEMPLATES),
        Variant("defer", defer, Queries(1), templates=TEMPLATES),
        Variant("only", only, Queries(1), templates=TEMPLATES),
        Variant("values-list", values_list, Queries(1), templates=TEMPLATES),
    ),
)
