"""Test prefetch-undone: which reviews are fetched beforehand, and which in vain."""

import pytest

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
