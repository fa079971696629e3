"""A list of ids, and one query for each of them: fetch all of them with one.

The ids come from somewhere else: a search engine, a basket in the session, a ranking in the cache.
Here they come from the archive's register, in the register's order. The *loop* turns each id into a
film with `Movie.objects.get(pk=pk)`. Every line of it is right, and together they are an N+1 bug.

`filter(pk__in=ids)` asks for all films with one query, but the database returns them in no
particular order, and never says which id had no film. The variant *case* lets the database restore
the order, with a `CASE` that names a place for each id. This is one query too. But Django has to
build it, and the database has to compare each film with one id after another until it finds its
own: for twice as many ids that is four times the work.

`in_bulk(ids)` runs the same `filter` and returns a dictionary of the films by their ids. The order
is that of the list that you have already: look up one id after the other. What has no film is not
in the dictionary, and an id that stands twice in the list is fetched once. With `field_name=` it
takes the values of another unique column.

**When it matters.** Wherever ids arrive by the dozen: search results, favourites, baskets, messages
of a queue, lines of an import. A loop that also calls `get()` for something that is the same in
many rows needs a dictionary as well.
"""

from django.db.models import Case, When
from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant, by_django, by_vendor


def ids_from_elsewhere(rows):
    """Return so many ids of films, in the order of the archive's register: 1 query."""
    films = Movie.objects.order_by("register_indexed")
    return list(films.values_list("id", flat=True)[:rows])


def loop(request, rows):
    # Expect 1 query for the ids, and 1 for each film.
    movies = [Movie.objects.get(pk=pk) for pk in ids_from_elsewhere(rows)]
    return render(request, "movies/titles.html", {"movies": movies})


def case(request, rows):
    # Expect 2 queries: the ids, then all films, which the database puts in order.
    ids = ids_from_elsewhere(rows)
    place = Case(*[When(pk=pk, then=place) for place, pk in enumerate(ids)])
    movies = Movie.objects.filter(pk__in=ids).order_by(place)
    return render(request, "movies/titles.html", {"movies": movies})


def in_bulk(request, rows):
    # Expect 2 queries: the ids, then all films. Django 5.2 asks SQLite again for every 999 ids.
    ids = ids_from_elsewhere(rows)
    found = Movie.objects.in_bulk(ids)
    movies = [found[pk] for pk in ids if pk in found]
    return render(request, "movies/titles.html", {"movies": movies})


ALSO = {"also": (ids_from_elsewhere,), "templates": ("movies/titles.html",)}

experiment = Experiment(
    title="A list of ids",
    topic="Too many queries",
    remedy="the dictionary of in_bulk()",
    cost="All films are in memory at once: take very long lists piece by piece. An id without a "
    "film raises no error, as `get()` does: it is missing, and the view has to decide what then.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/querysets/#in-bulk",
    not_at=Setting(movies=1, why="One id is one query, whichever way it is asked."),
    variants=(
        Variant("loop", loop, Queries(1, per_row=1), **ALSO),
        Variant("case", case, Queries(2), **ALSO),
        Variant(
            "in-bulk",
            in_bulk,
            by_vendor(
                sqlite=by_django({(5, 2): Queries(1, batch=999), (6, 0): Queries(2)}),
                postgresql=Queries(2),
            ),
            **ALSO,
        ),
    ),
)
