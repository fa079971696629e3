"""To know how many there are, the slow view fetches them all and counts what came.

Above a list of films stand two facts about their reviews: how many there are, and whether any of
them gives 10 points. `len(reviews)` looks harmless, and so does `if raves`. But on a queryset each
of them fetches every row with all its columns, makes a model instance of each, and then throws them
all away.

The fast view asks for what it wants to know. `count()` is a `SELECT COUNT(*)`: the database counts,
and one number comes back. `exists()` stops at the first row that is found. Both variants run the
*same number of queries*: what differs is what comes back, so this lesson shows in the time, not in
the number of queries.

**When it matters.** When the rows are many or wide, and the page does not show them. If it does
show them, `len()` is the better choice: a loop has to fetch the rows anyway, the queryset keeps
what it has fetched, and `len()` then costs nothing. Called *before* the loop, `count()` and
`exists()` would be one more query each.
"""

from django.shortcuts import render

from movies.models import Movie, Review
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def slow(request, rows):
    # Expect 3 queries: all reviews of these films, all of their raves, the films.
    movies = Movie.objects.order_by("id")[:rows]
    reviews = Review.objects.filter(movie__in=movies)
    raves = reviews.filter(score=10)
    context = {"movies": movies, "review_count": len(reviews), "is_raved_at": bool(raves)}
    return render(request, "movies/with_facts.html", context)


def fast(request, rows):
    # Expect 3 queries: a number, one row if there is one, the films.
    movies = Movie.objects.order_by("id")[:rows]
    reviews = Review.objects.filter(movie__in=movies)
    raves = reviews.filter(score=10)
    context = {"movies": movies, "review_count": reviews.count(), "is_raved_at": raves.exists()}
    return render(request, "movies/with_facts.html", context)


experiment = Experiment(
    title="Counting without fetching",
    topic="Too many queries",
    remedy="asking for the count",
    cost="A query of its own for each fact: worse than len() where the page shows the rows as "
    "well. And a count is no small thing for the database either, when the table is large.",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/optimization/#use-queryset-count",
    figure="time",
    lesson=Setting(movies=1000),
    variants=(
        Variant("slow", slow, Queries(3), templates=("movies/with_facts.html",)),
        Variant("fast", fast, Queries(3), templates=("movies/with_facts.html",)),
    ),
)
