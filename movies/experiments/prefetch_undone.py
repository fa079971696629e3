"""A prefetch is thrown away by the next `.filter()`, which asks the database again.

`prefetch_related("reviews")` fetches all reviews of all films beforehand. Every film then keeps the
answer to one question, `movie.reviews.all()`. A `.filter()`, an `.exclude()` or an `.order_by()` is
another question. Django does not work it out in Python: it sends a query per film, as if nothing
had been prefetched. The *undone* view pays for both, and its prefetch was for nothing.

Of `movie.reviews`, the prefetch answers these without a query: `.all()`, `.count()`, `.exists()`,
and of `.all()` also `len()`, `[0]`, `[:3]`, `in` and `.contains()`. These ask again, once for each
film: `.filter()`, `.exclude()`, `.order_by()`, `.values_list()`, `.aggregate()`, `.latest()`,
`.last()`, `.get()`, `.iterator()`. And `.first()` asks again where the related model has no order
of its own (`Meta.ordering`), as `Review` has none: to find the first it has to sort. A test of the
lab holds each of these.

So the first repair is to take the prefetch out: *unprefetched* is an honest N+1 bug, with fewer
queries than before. The cure is to say beforehand which reviews are wanted. A `Prefetch` object has
a queryset of its own: one query fetches the praise, and only the praise, for all films together.
`to_attr` puts it on each film as a plain list, under a name that tells it from all reviews.

**When it matters.** Whenever a page is slow although it prefetches. Look for the same query many
times over, in spite of a prefetch. Most often the filter hides in a model's method or property, far
away from the view ([hidden queries](/experiments/hidden-queries/)). If the list is short, filter it
in Python: `[review for review in movie.reviews.all() if review.score >= 9]`.
"""

from django.db.models import Prefetch
from django.shortcuts import render

from movies.models import Movie, Review
from perflab.catalogue.registry import Experiment, Queries, Variant


def undone(request, rows):
    # Expect 2 queries for the films and all their reviews, and 1 more for each film's praise.
    movies = Movie.objects.prefetch_related("reviews").order_by("id")[:rows]
    for movie in movies:
        movie.praise = movie.reviews.filter(score__gte=9).order_by("id")
    return render(request, "movies/with_praise.html", {"movies": movies})


def unprefetched(request, rows):
    # Expect 1 query for the films, and 1 for each film's praise.
    movies = Movie.objects.order_by("id")[:rows]
    for movie in movies:
        movie.praise = movie.reviews.filter(score__gte=9).order_by("id")
    return render(request, "movies/with_praise.html", {"movies": movies})


def prefetched(request, rows):
    # Expect 2 queries: the films, then the praise of all of them.
    praise = Review.objects.filter(score__gte=9).order_by("id")
    praise = Prefetch("reviews", queryset=praise, to_attr="praise")
    movies = Movie.objects.prefetch_related(praise).order_by("id")[:rows]
    return render(request, "movies/with_praise.html", {"movies": movies})


TEMPLATES = ("movies/with_praise.html",)

experiment = Experiment(
    title="The prefetch that is undone",
    topic="Too many queries",
    first_workshop=True,
    remedy="a Prefetch object",
    cost="A list where there was a manager: film.praise cannot be filtered any further, and a "
    "page that shows all reviews as well has to fetch those too.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/querysets/#prefetch-objects",
    variants=(
        Variant("undone", undone, Queries(2, per_row=1), templates=TEMPLATES),
        Variant("unprefetched", unprefetched, Queries(1, per_row=1), templates=TEMPLATES),
        Variant("prefetched", prefetched, Queries(2), templates=TEMPLATES),
    ),
)
