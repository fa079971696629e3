"""Test prefetch-undone: which reviews are fetched beforehand, and which in vain."""

import pytest
from django.db.models import Max

from movies.models import Movie, Review
from tests.support.experiments import ROWS, made, visit

pytestmark = pytest.mark.django_db


def test_only_the_praise_that_is_shown_is_fetched_beforehand():
    films = Movie.objects.order_by("id")[:ROWS]
    praise = Review.objects.filter(movie__in=films, score__gte=9).count()

    with made(Review) as reviews:
        visit("prefetch-undone", "prefetched")

    assert reviews.instances == praise > 0


def test_an_undone_prefetch_has_fetched_all_reviews_for_nothing():
    films = Movie.objects.order_by("id")[:ROWS]
    everything = Review.objects.filter(movie__in=films).count()

    with made(Review) as undone:
        visit("prefetch-undone", "undone")
    with made(Review) as unprefetched:
        visit("prefetch-undone", "unprefetched")

    assert undone.instances == everything + unprefetched.instances


ANSWERED = {
    "all()": lambda reviews: list(reviews.all()),
    "count()": lambda reviews: reviews.count(),
    "exists()": lambda reviews: reviews.exists(),
    "len(all())": lambda reviews: len(reviews.all()),
    "all()[0]": lambda reviews: reviews.all()[0],
    "all()[:3]": lambda reviews: list(reviews.all()[:3]),
    "in all()": lambda reviews: Review(pk=1) in reviews.all(),
    "all().contains()": lambda reviews: reviews.all().contains(Review(pk=1)),
    "first() of an ordered model": lambda reviews: reviews.instance.countries.first(),
}
ASKED_AGAIN = {
    "filter()": lambda reviews: list(reviews.filter(score__gte=9)),
    "exclude()": lambda reviews: list(reviews.exclude(score__gte=9)),
    "order_by()": lambda reviews: list(reviews.order_by("id")),
    "values_list()": lambda reviews: list(reviews.values_list("score")),
    "aggregate()": lambda reviews: reviews.aggregate(Max("score")),
    "latest()": lambda reviews: reviews.latest("id"),
    "last()": lambda reviews: reviews.last(),
    "get()": lambda reviews: reviews.get(pk=reviews.all()[0].pk),
    "iterator()": lambda reviews: list(reviews.iterator()),
    "first()": lambda reviews: reviews.first(),
}
CALLS = [
    *((name, call, 0) for name, call in ANSWERED.items()),
    *((name, call, 1) for name, call in ASKED_AGAIN.items()),
]


@pytest.mark.parametrize(("call", "queries"), [c[1:] for c in CALLS], ids=[c[0] for c in CALLS])
def test_what_a_prefetch_answers_and_what_asks_again(call, queries, django_assert_num_queries):
    prefetched = Movie.objects.prefetch_related("reviews", "countries")
    (film,) = prefetched.filter(pk=Movie.objects.order_by("id").first().pk)
    assert len(film.reviews.all()) > 3

    with django_assert_num_queries(queries):
        call(film.reviews)
