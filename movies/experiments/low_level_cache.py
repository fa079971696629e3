"""An expensive figure inside a fresh page: get it from the cache, or compute and keep it.

The page shows a statistic of the whole collection, for which the database reads every film and
every review, above a list that has to be up to date. Only the statistic may be a minute old, so
only the statistic is cached, by hand: `get`, test for `None`, compute, `set`.

The test is for `None`, not for truth: an empty list or a zero is a result too, and `if not
statistic` would compute it again each time. Where `None` itself can be the result, give `get` a
default that no result can be: `MISSING = object()`, `cache.get(key, MISSING)`, and test `is
MISSING`.

The last argument of `set` is the time-out in seconds. If you leave it out, it is 300 seconds, or
what `TIMEOUT` in `CACHES` says. `None` keeps the entry for ever, and 0 keeps nothing at all.

**When it matters.** Figures, permissions, answers of other services: values that many pages
need and that cost more to make than to fetch. The larger the collection, the more it saves:
seed 100,000 films and look again.
"""

from django.core.cache import cache
from django.db.models import Avg, Count, F
from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


def decades():
    """Films, reviews and average score of each decade, from the whole collection."""
    films = Movie.objects.annotate(decade=F("year") / 10 * 10).values("decade")
    statistic = films.annotate(
        film_count=Count("id", distinct=True),
        review_count=Count("reviews"),
        average_score=Avg("reviews__score"),
    )
    return list(statistic.order_by("decade"))


def slow(request, rows):
    # Expect 2 queries every time: the statistic, then the films.
    statistic = decades()
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/decades.html", {"decades": statistic, "movies": movies})


def fast(request, rows):
    # Expect 2 queries while the statistic is not in the cache, and 1, the films, when it is.
    statistic = cache.get("decades")
    if statistic is None:
        statistic = decades()
        cache.set("decades", statistic, 60)
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/decades.html", {"decades": statistic, "movies": movies})


experiment = Experiment(
    title="The low-level cache",
    topic="The same work at every visit",
    first_workshop=True,
    remedy="the cached statistic",
    cost="Staleness of the figure, up to 60 s; four lines of code that must agree on a key; and "
    "when it expires under load, everybody computes it at once.",
    docs="https://docs.djangoproject.com/en/5.2/topics/cache/#the-low-level-cache-api",
    variants=(
        Variant("slow", slow, Queries(2), also=(decades,), templates=("movies/decades.html",)),
        Variant(
            "fast",
            fast,
            Queries(2),
            warm=Queries(1),
            also=(decades,),
            templates=("movies/decades.html",),
        ),
    ),
)
