"""The database can count and average better than a loop, but the obvious way to ask may be worse.

Each film is shown with its number of reviews and their average score. The *loop* asks film by film:
an N+1 bug whose queries happen to aggregate.

*Join* asks in one query, as the documentation begins: `annotate(Count("reviews"),
Avg("reviews__score"))`. It joins the films to their reviews, groups the rows by film, and takes the
first few groups. What that costs depends on what Django writes after `GROUP BY`. For PostgreSQL it
writes the primary key alone. PostgreSQL reads films and reviews in the order of that key, and stops
when the page is full. For SQLite it writes every column of the film, all ten of them. SQLite then
reads the films in another order than that of the key: it joins and groups the *whole collection*,
sorts the groups, and throws nearly all of them away. One query then loses against a loop of them.
It is fast on a small collection and slower with every film that is added, on a page that stays the
same. (`values("id").annotate(…)` groups by the id alone and is quick on SQLite too, but a page
needs the title.)

*Page first* chooses the films of the page by their ids, and joins and groups no others. *Subquery*
takes the films of the page, and looks at the reviews of each by their index. Both are one query,
and cost what the page costs, on both databases. On PostgreSQL neither is quicker than the join.

**Two relations at once give wrong numbers.** Count a film's countries in the same query, and its
reviews are joined once for *each country*: a film of two countries shows twice its reviews. The
reference variant *two relations* does so. Django warns of it in its documentation and nowhere else.
`Count("reviews", distinct=True)` repairs a count, at the price of a sort. It does not repair a
`Sum`, which would then add two equal scores once. The average is right here, since each review of a
film is repeated equally often. A subquery for each relation is right for all of them.

Under *Why?* press *Explain* on the one query of each variant: the plan tells what the number of
queries does not. Of the join SQLite says `SCAN movies_movie` and, for the sorting, `USE TEMP
B-TREE`.

**When it matters.** Lists with a number beside each row: comments, orders, votes. Fewer queries is
the right instinct, but it is no proof: ask for the plan on the database product, and on the amount
of data, that you have in production. A number that is read far more often than it changes may stand
in a column of its own, a *denormalised counter*, which whoever writes a review raises by `F("…") +
1`. Reading it is free. But `bulk_create` and SQL pass the counter by, unless a trigger of the
database keeps it, and all who write reviews of one film wait for each other at its row.
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


def page_first(request, rows):
    # Expect 1 query: the films of the page, joined with their reviews and grouped by film.
    page = Movie.objects.order_by("id").values("id")[:rows]
    figures = {"review_count": Count("reviews"), "average_score": Avg("reviews__score")}
    movies = Movie.objects.filter(id__in=page).annotate(**figures).order_by("id")
    return render(request, "movies/with_scores.html", {"movies": movies})


def subquery(request, rows):
    # Expect 1 query: the films, with two questions about each one's reviews inside it.
    reviews = Review.objects.filter(movie=OuterRef("pk")).values("movie")
    number = Subquery(reviews.annotate(number=Count("id")).values("number"))
    average = Subquery(reviews.annotate(average=Avg("score")).values("average"))
    figures = {"review_count": Coalesce(number, 0), "average_score": average}
    movies = Movie.objects.annotate(**figures).order_by("id")[:rows]
    return render(request, "movies/with_scores.html", {"movies": movies})


def two_relations(request, rows):
    # Expect 1 query, which counts each review as often as its film has countries.
    page = Movie.objects.order_by("id").values("id")[:rows]
    figures = {"review_count": Count("reviews"), "average_score": Avg("reviews__score")}
    figures["country_count"] = Count("countries")
    movies = Movie.objects.filter(id__in=page).annotate(**figures).order_by("id")
    return render(request, "movies/with_scores.html", {"movies": movies})


TEMPLATES = ("movies/with_scores.html",)

experiment = Experiment(
    title="Figures beside each row",
    topic="Queries that do too much",
    remedy="the subquery",
    figure="time",
    cost="Harder to read and to write, and with two figures the reviews of a film are looked up "
    "twice. Where a page shows most of a table, the join reads less. MySQL takes no limit in the "
    "subquery of *page first*: there the ids are fetched beforehand.",
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
        Variant("page-first", page_first, Queries(1), templates=TEMPLATES),
        Variant("subquery", subquery, Queries(1), templates=TEMPLATES),
        Variant(
            "two-relations",
            two_relations,
            Queries(1),
            templates=TEMPLATES,
            differs="This page is wrong: a film of two countries shows twice its reviews.",
            reference=True,
        ),
    ),
)
