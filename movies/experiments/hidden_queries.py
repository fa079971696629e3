"""The view runs one query and looks innocent: the template asks, and a method asks.

The view fetches the films with one query. The page shows each film's credit, `{{ movie.credit }}`,
and the number of its reviews, `{{ movie.reviews.count }}`. Neither looks like a query. But `credit`
is a property of the model that names the director, and so fetches the director. And `count` is a
method that the template calls: its query is in no file of Python at all.

*Joined* helps the property, by `select_related("director")` in the view: the property need not
change. *Prefetched* helps the template as well, since `.count()` on a prefetched relation counts
the list that is there. But now all reviews are fetched in order to be counted. *Counted* lets the
database count. The number gets a name of its own, `review_count`, and the template has to use that
name.

A query hides in the same way in `__str__`, which the admin and every `<select>` call for each row,
in a field of a serialiser, in a template filter, and in an `{% include %}` that stands in a loop.

**When it matters.** Whenever the view is short and the page is slow. Count the queries of the whole
page and not of the view. *Inspect both* opens the toolbar, whose SQL panel names the code that has
issued a query. In a test, `assertNumQueries` around the request keeps it so. From Django 6.1 on,
`fetch_mode(FETCH_RAISE)` makes the hidden fetch of the director an error ([fetch
modes](/experiments/fetch-modes/)). The hidden `count` still passes.
"""

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import render

from movies.models import Movie, Review
from perflab.catalogue.registry import Experiment, Queries, Variant


def hidden(request, rows):
    # Expect 1 query for the films and, in the template, 2 for each: its director, a number.
    movies = Movie.objects.order_by("id")[:rows]
    return render(request, "movies/with_credits.html", {"movies": movies})


def joined(request, rows):
    # Expect 1 query for the films with their directors and, in the template, 1 for each number.
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/with_credits.html", {"movies": movies})


def prefetched(request, rows):
    # Expect 2 queries: the films with their directors, then all reviews of these films.
    movies = Movie.objects.select_related("director").prefetch_related("reviews")
    return render(request, "movies/with_credits.html", {"movies": movies.order_by("id")[:rows]})


def counted(request, rows):
    # Expect 1 query: the films with their directors and the numbers of their reviews.
    reviews = Review.objects.filter(movie=OuterRef("pk")).order_by().values("movie")
    number = Subquery(reviews.annotate(number=Count("id")).values("number"))
    movies = Movie.objects.select_related("director").annotate(review_count=Coalesce(number, 0))
    return render(request, "movies/with_counts.html", {"movies": movies.order_by("id")[:rows]})


HIDDEN = {"also": (Movie.credit.fget,), "templates": ("movies/with_credits.html",)}

experiment = Experiment(
    title="The innocent view",
    topic="Too many queries",
    remedy="asking in the view for what the page shows",
    cost="View and template belong together now: who changes what the template shows has to change "
    "the query as well, and nobody tells them. A test that counts the queries does.",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/optimization/"
    "#retrieve-everything-at-once-if-you-know-you-will-need-it",
    variants=(
        Variant("hidden", hidden, Queries(1, per_row=2), **HIDDEN),
        Variant("joined", joined, Queries(1, per_row=1), **HIDDEN),
        Variant("prefetched", prefetched, Queries(2), **HIDDEN),
        Variant(
            "counted",
            counted,
            Queries(1),
            also=(Movie.credit.fget,),
            templates=("movies/with_counts.html",),
        ),
    ),
)
