"""Test count-exists: what the database is asked for, and that no instance is made to count."""

import pytest

from movies.models import Movie, Review
from tests.support.experiments import ROWS, made, statements, visit

pytestmark = pytest.mark.django_db


def test_counting_in_the_database_makes_no_review():
    with made(Review) as slow:
        visit("count-exists", "slow")
    with made(Review) as fast:
        visit("count-exists", "fast")

    of_these_films = Review.objects.filter(movie__in=Movie.objects.order_by("id")[:ROWS])
    raves = of_these_films.filter(score=10)
    assert slow.instances == of_these_films.count() + raves.count()
    assert fast.instances == 0


def test_the_database_is_asked_for_a_number_and_for_one_row():
    number, one, _ = statements("count-exists", "fast")

    assert number.startswith("SELECT COUNT(*)")
    assert one.startswith("SELECT 1 ")
    assert one.endswith("LIMIT 1")
