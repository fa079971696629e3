"""The database can count and average better than a loop, but the obvious way to ask may be worse.

Each film is shown with its number of reviews and their average score. The *loop* asks film by
film: an N+1 bug whose queries happen to aggregate.

*Join* says it in one query, as the documentation begins: `annotate(Count("reviews"),
Avg("reviews__score"))`. That joins the films to their reviews, groups what comes out by film, and
then takes the first few groups. Whether the database really does it in that order is its own
affair, and here the two differ. PostgreSQL sees that the films are wanted in the order of their
key, groups them as they come, and stops when the page is full. SQLite does not: it joins and groups
the *whole collection*, sorts what comes out, and throws nearly all of it away. One query then loses
against a loop of them. It is fast on a small collection and slower with every film that is added,
on a page that stays the same.

*Subquery* says how it is meant: take the films of the page, then for each of them look at its own
reviews, by their index. That is one query too, and its cost is that of the page, on both databases.

Under *Why?* press *Explain* on the one query of each: the plan tells what the number of queries
does not. Of the join SQLite says `SCAN movies_movie` and, for the sorting, `USE TEMP B-TREE`.

**When it matters.** Lists with a number beside each row: comments, orders, votes. Fewer queries is
the right instinct, but it is no proof: ask for the plan on a database of the size, and of the make,
that you have in production.
"""

from django.db.models import Avg, Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.shortcuts import render

from movies.models import Movie, Review
from movies.seeding import REAL_FILMS
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant, by_vendor


def loop(request, rows):
    # Expect 1 query for the films, and 1 for each film's figures.
    movies = Movie.objects.order_by("id")[:rows]
    for movie in movies:
        figures = movie.reviews.aggregate(number=Count("id"), average=Avg("score"))
        movie.review_count, movie.average_score = figures["number"], figures["average"]
    return render(request, "movies/with_scores.html", {"movies": movies})


def join(request, rows):
    # Expect 1 query: the films, joined with their reviews and grouped by film.
    figures = {"review_count": Count("reviews"), "average_score": Avg("reviews__score")}
    movies = Movie.objects.annotate(**figures).order_by("id")[:rows]
    return render(request, "movies/with_scores.html", {"movies": movies})


def subquery(request, rows):
    # Expect 1 query: the films, with two questions about each one's reviews inside it.
    reviews = Review.objects.filter(movie=OuterRef("pk")).values("movie")
    number = Subquery(reviews.annotate(number=Count("id")).values("number"))
    average = Subquery(reviews.annotate(average=Avg("score")).values("average"))
    figures = {"review_count": Coalesce(number, 0), "average_score": average}
    movies = Movie.objects.annotate(**figures).order_by("id")[:rows]
    return render(request, "movies/with_scores.html", {"movies": movies})


TEMPLATES = ("movies/with_scores.html",)

experiment = Experiment(
    title="Figures beside each row",
    topic="Queries that do too much",
    remedy="the subquery",
    figure="time",
    cost="Harder to read and to write, and with two figures the reviews of a film are looked up "
    "twice. Where a page shows most of a table, the join reads less.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/expressions/"
    "#using-aggregates-within-a-subquery-expression",
    lesson=by_vendor(sqlite=Setting(films=100_000), postgresql=Setting()),
    not_at=by_vendor(
        sqlite=Setting(
            films=REAL_FILMS,
            why="A small collection is joined and grouped quickly: the join loses less.",
        ),
        postgresql=None,
    ),
    variants=(
        Variant("loop", loop, Queries(1, per_row=1), templates=TEMPLATES),
        Variant("join", join, Queries(1), templates=TEMPLATES),
        Variant("subquery", subquery, Queries(1), templates=TEMPLATES),
    ),
)
