"""The index is there, and the question is put so that the database cannot use it.

Somebody types the IMDb id of a film, in capitals, and the page shows the film with its reviews. The
column has a unique index, so the film should be found at once. An index is a sorted list of the
column's *values*. It helps a question about the value, or about the beginning of the value. It does
not help a question about something that is first computed from the value of each row:

*iexact* ignores capitals, so the values are changed before they are compared: PostgreSQL compares
`UPPER(imdb_id)`, SQLite uses `LIKE`. *Ending* searches for the digits by `__endswith`, which is a
`LIKE` with a wildcard at the beginning. *Number* casts the digits of each row to an integer. Each
of the three reads all films. Press *Explain* under *Why?*: SQLite says `SCAN`, PostgreSQL `Seq
Scan`.

*Functional* has an index on the very expression that it asks for: `models.Index(Lower("imdb_id"),
name="movie_lower_imdb_id")`. Just this expression has to stand in the query. On PostgreSQL an index
on `Upper` would help *iexact*, while this one does not. On SQLite neither does. `__startswith` uses
an index on PostgreSQL, where Django adds one for it beside each `unique=True` or `db_index=True` of
a text column. On SQLite it is a `LIKE` too, and reads all films. With `condition=` such an index
can also be *partial*: it then holds only the rows that the condition names, and helps only queries
that name it too.

*Exact* changes what was typed instead, once, and leaves the column alone. It needs no further
index.

**When it matters.** Logins by e-mail, look-ups of codes, and dates: `made__date=today` is computed
from each row as well, while `made__year=2026` is not, since Django makes a range of it. Put the
value into one form when it is saved, and compare it as it is.
"""

from django.db.models import IntegerField
from django.db.models.functions import Cast, Lower, Substr
from django.shortcuts import get_object_or_404, render

from movies.models import Movie, Review
from movies.seeding import REAL_FILMS
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant

TYPED = "TT0327056"  # Mystic River, which many have reviewed


def show(request, film, rows):
    """Show a film and its first reviews: 1 query."""
    reviews = film.reviews.order_by("id").values("reviewer", "score")[:rows]
    return render(request, "movies/film_found.html", {"film": film, "rows": reviews})


def iexact(request, rows):
    # Expect 2 queries: the film, of which all are read, and its reviews.
    film = get_object_or_404(Movie, imdb_id__iexact=TYPED)
    return show(request, film, rows)


def ending(request, rows):
    # Expect 2 queries: the film, of which all are read, and its reviews.
    film = get_object_or_404(Movie, imdb_id__endswith=TYPED[2:])
    return show(request, film, rows)


def number(request, rows):
    # Expect 2 queries: the film, of which all are read, and its reviews.
    movies = Movie.objects.alias(number=Cast(Substr("imdb_id", 3), IntegerField()))
    film = get_object_or_404(movies, number=int(TYPED[2:]))
    return show(request, film, rows)


def functional(request, rows):
    # Expect 2 queries: the film, by the index on the expression, and its reviews.
    movies = Movie.objects.alias(lower=Lower("imdb_id"))
    film = get_object_or_404(movies, lower=TYPED.lower())
    return show(request, film, rows)


def exact(request, rows):
    # Expect 2 queries: the film, by the index on the column, and its reviews.
    film = get_object_or_404(Movie, imdb_id=TYPED.lower())
    return show(request, film, rows)


SHOWN = {"also": (show,), "templates": ("movies/film_found.html",)}

experiment = Experiment(
    title="The unused index",
    topic="Indexes: missing, unused, too many",
    remedy="asking for the value itself",
    count=Review.objects.filter(movie__imdb_id=TYPED.lower()).count,
    rows="reviews",
    figure="time",
    cost="All who write the column have to keep to its one form, imports and the admin too. A "
    "check constraint can hold them to it. An index on an expression is one more index to write, "
    "and helps no other expression.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/indexes/#expressions",
    lesson=Setting(films=100_000, movies=20),
    not_at=Setting(
        films=REAL_FILMS,
        movies=20,
        why="A small table is read as a whole in next to no time, so nobody notices.",
    ),
    variants=(
        Variant("iexact", iexact, Queries(2), **SHOWN),
        Variant("ending", ending, Queries(2), **SHOWN),
        Variant("number", number, Queries(2), **SHOWN),
        Variant("functional", functional, Queries(2), **SHOWN),
        Variant("exact", exact, Queries(2), **SHOWN),
    ),
)
