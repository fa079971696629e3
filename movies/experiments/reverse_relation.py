"""Directors and their films: the foreign key, walked backwards.

The key stands in the film's row, and a director has many films. The slow view asks each director
for the films, in order, and so sends one query per director.

The fast view prefetches. Since the films are wanted in an order of our own, it says so with a
`Prefetch` object: its queryset is run once, for all directors together, and the result is put where
`to_attr` says, as a plain list.

**When it matters.** Every page that groups: orders of a customer, posts of an author, lines of an
invoice. A sorted or filtered relation is exactly where a plain `prefetch_related("movies")` is
undone by the next `.order_by()`, and where `Prefetch` is needed.
"""

from django.db.models import Prefetch
from django.shortcuts import render

from movies.models import Director, Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def slow(request, rows):
    # Expect 1 query for the directors and, in the template, 1 for each one's films.
    directors = Director.objects.order_by("id")[:rows]
    for director in directors:
        director.films = director.movies.order_by("year", "id")
    return render(request, "movies/directors_with_films.html", {"directors": directors})


def fast(request, rows):
    # Expect 2 queries: the directors, then the films of all of them.
    films = Prefetch("movies", Movie.objects.order_by("year", "id"), to_attr="films")
    directors = Director.objects.prefetch_related(films).order_by("id")[:rows]
    return render(request, "movies/directors_with_films.html", {"directors": directors})


experiment = Experiment(
    title="Reverse relations",
    topic="Too many queries",
    remedy="prefetching",
    count=Director.objects.count,
    rows="directors",
    cost="Memory: the films of every director on the page are held at once. With very long "
    "relations, page or count them in the database instead.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/querysets/#django.db.models.Prefetch",
    not_at=Setting(movies=1, why="For one director both variants send two queries."),
    variants=(
        Variant(
            "slow", slow, Queries(1, per_row=1), templates=("movies/directors_with_films.html",)
        ),
        Variant("fast", fast, Queries(2), templates=("movies/directors_with_films.html",)),
    ),
)
