"""A condition on a relation finds a film several times: ask whether a row exists, do not join.

The page shows how many films have a review with 9 or 10 points, and the first of them. `filter(
reviews__score__gte=9)` joins each film to its reviews, so a film with five such reviews is five
rows, on the page and in the number. The variant *joined*, for reference, shows what comes of it.

`.distinct()` repairs the page. The database still makes all of these rows, and then has to find out
which are equal. Two rows are equal if all of their columns are, so the long synopsis is fetched and
compared as well, even for the number. SQLite reads the films in the order of an index, so equal
rows follow each other, and it can stop when a page is full. So does PostgreSQL in a large
collection (`Incremental Sort`). In a small one it makes all rows first. Neither can stop before the
end when it counts.

The question was another one: is there such a review? `Exists` says that, with the film from outside
as `OuterRef`. The database stops at the first review that it finds, and no row has to be removed.
*In* says the same with `pk__in` and a subquery. To PostgreSQL both are one question, and it plans
them alike. SQLite takes them by their words: for *in* it first collects the films of all good
reviews, for *exists* it looks up the reviews of one film after the other. So the first is good at
counting and the second is good at a page that is soon full.

**When it matters.** Every filter across a reverse relation or a many-to-many relation: posts with
any of these tags, customers with an open order. A `.distinct()` in a view is worth a look. Often it
repairs what a join did, and a `Count` or `Sum` over the same join is wrong all the same.
"""

from django.db.models import Exists, OuterRef
from django.shortcuts import render

from movies.models import Movie, Review
from perflab.catalogue.registry import Experiment, Queries, Variant

GOOD = 9


def show(request, movies, rows):
    """Show how many films there are, and the first of them: 2 queries."""
    page = movies.order_by("year", "id")[:rows]
    return render(request, "movies/counted.html", {"movies": page, "total": movies.count()})


def distinct(request, rows):
    # Expect 2 queries of films joined with reviews, without the rows that are equal.
    return show(request, Movie.objects.filter(reviews__score__gte=GOOD).distinct(), rows)


def in_subquery(request, rows):
    # Expect 2 queries of films whose key is among those of the good reviews.
    good = Review.objects.filter(score__gte=GOOD)
    return show(request, Movie.objects.filter(pk__in=good.values("movie")), rows)


def exists(request, rows):
    # Expect 2 queries of films for which one good review is found.
    good = Review.objects.filter(movie=OuterRef("pk"), score__gte=GOOD)
    return show(request, Movie.objects.filter(Exists(good)), rows)


def joined(request, rows):
    # Expect 2 queries of films joined with reviews, each film once for each good review.
    return show(request, Movie.objects.filter(reviews__score__gte=GOOD), rows)


def count_praised():
    """Return how many films have a good review: 1 query."""
    good = Review.objects.filter(movie=OuterRef("pk"), score__gte=GOOD)
    return Movie.objects.filter(Exists(good)).count()


SHOWN = {"also": (show,), "templates": ("movies/counted.html",)}

experiment = Experiment(
    title="The same film twice",
    topic="Queries that do too much",
    remedy="asking whether one exists",
    count=count_praised,
    figure="time",
    cost="The review that was found is not at hand: a page that shows it, too, needs a prefetch. "
    "With a condition that nearly no row meets, a database that takes `Exists` by its words looks "
    "at every film in vain.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/expressions/#exists-subqueries",
    variants=(
        Variant("distinct", distinct, Queries(2), **SHOWN),
        Variant("in", in_subquery, Queries(2), **SHOWN),
        Variant("exists", exists, Queries(2), **SHOWN),
        Variant(
            "joined",
            joined,
            Queries(2),
            **SHOWN,
            differs="This page shows and counts a film once for each of its good reviews.",
            reference=True,
        ),
    ),
)
