"""Test n-plus-one: the kind of the join, and what a prefetch of few parents builds."""

import pytest
from django.db.models import Count

from movies.models import Director, Movie
from tests.support.experiments import made, statements

pytestmark = pytest.mark.django_db


def test_a_key_that_may_be_null_makes_the_join_a_left_join(monkeypatch):
    (inner,) = statements("n-plus-one", "fast")
    key = Movie._meta.get_field("director")
    monkeypatch.setattr(key, "null", True)
    left = str(Movie.objects.select_related("director").query)

    assert " INNER JOIN " in inner
    assert " LEFT OUTER JOIN " in left


def test_a_prefetch_builds_each_parent_once_and_a_join_once_for_each_row(django_assert_num_queries):
    busy = Director.objects.annotate(n=Count("movies")).order_by("-n", "id").first()
    films = Movie.objects.filter(director=busy).order_by("id")

    with django_assert_num_queries(2), made(Director) as prefetched:
        list(films.prefetch_related("director"))
    with django_assert_num_queries(1), made(Director) as joined:
        list(films.select_related("director"))

    assert prefetched.instances == 1
    assert joined.instances == busy.n > 3
