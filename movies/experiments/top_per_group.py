"""The three best reviews of each film: let the database number them, and fetch no others.

"The first three of each" is a question that a plain `LIMIT` cannot answer, since it counts rows of
the whole result. The *loop* therefore asks film by film, with a slice: each query is small and
uses an index, and there is one for each film.

*Everything* prefetches the reviews of all films and keeps the first three of each in Python. These
are two queries. But all reviews are read, sent and made into objects, for the sake of three: a film
may have hundreds of them. Fewer queries is not less work.

*Sliced* gives the `Prefetch` object a queryset that is sorted and sliced, as in the loop. Since
Django 4.2 this is allowed. Django turns the slice into a window function: `ROW_NUMBER()` numbers
the reviews of each film by their score, and the query keeps those with the numbers 1 to 3. *Window*
writes the same number by hand. That helps where the films themselves are not wanted, or where the
number is to be shown.

**When it matters.** The latest comments below each post, the newest orders of each customer, the
best-selling products of each shop. If there are few groups with very many rows each, compare again:
the window function has to read and sort all rows of these groups, while the loop reads three of
each, if an index has them in the order that is asked for.
"""

from django.db.models import F, Prefetch, Window
from django.db.models.functions import RowNumber
from django.shortcuts import render

from movies.models import Movie, Review
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def loop(request, rows):
    # Expect 1 query for the films, and 1 for each film's three best reviews.
    movies = Movie.objects.order_by("id")[:rows]
    for movie in movies:
        movie.best = movie.reviews.order_by("-score", "id")[:3]
    return render(request, "movies/with_best.html", {"movies": movies})


def everything(request, rows):
    # Expect 2 queries: the films, then all their reviews, of which Python keeps three each.
    sorted_reviews = Prefetch("reviews", Review.objects.order_by("-score", "id"))
    movies = Movie.objects.prefetch_related(sorted_reviews).order_by("id")[:rows]
    for movie in movies:
        movie.best = movie.reviews.all()[:3]
    return render(request, "movies/with_best.html", {"movies": movies})


def window(request, rows):
    # Expect 2 queries: the films, then the reviews that are numbered 1 to 3 within their film.
    place = Window(RowNumber(), partition_by="movie", order_by=[F("score").desc(), "id"])
    best = Review.objects.annotate(place=place).filter(place__lte=3).order_by("movie", "place")
    movies = Movie.objects.order_by("id")[:rows]
    movies = movies.prefetch_related(Prefetch("reviews", best, to_attr="best"))
    return render(request, "movies/with_best.html", {"movies": movies})


def sliced(request, rows):
    # Expect 2 queries: the films, then three reviews of each.
    best = Prefetch("reviews", Review.objects.order_by("-score", "id")[:3], to_attr="best")
    movies = Movie.objects.prefetch_related(best).order_by("id")[:rows]
    return render(request, "movies/with_best.html", {"movies": movies})


TEMPLATES = ("movies/with_best.html",)

experiment = Experiment(
    title="The best three of each",
    topic="Too many queries",
    remedy="the sliced prefetch",
    cost="One larger query, whose plan is worth a look: all reviews of these films are sorted, and "
    "three of each are kept. The slice is the same for all films, and the list cannot be "
    "filtered any further.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/querysets/#django.db.models.Prefetch",
    not_at=Setting(movies=1, why="For one film, the loop is one query too, and a smaller one."),
    variants=(
        Variant("loop", loop, Queries(1, per_row=1), templates=TEMPLATES),
        Variant("everything", everything, Queries(2), templates=TEMPLATES),
        Variant("window", window, Queries(2), templates=TEMPLATES),
        Variant("sliced", sliced, Queries(2), templates=TEMPLATES),
    ),
)
