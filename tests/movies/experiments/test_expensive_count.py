"""Test expensive-count: who counts, and how each variant knows of a next page."""

import pytest
from django.test import Client

from movies.models import Movie
from tests.support.experiments import page_of, statements_of

here = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


@here
def test_only_the_slow_variant_counts(client):
    counted, estimated, neither = (
        " ".join(statements_of(client, "expensive-count", variant, movies=10))
        for variant in ("slow", "estimate", "fast")
    )

    assert "COUNT(*)" in counted
    assert "COUNT(" not in estimated + neither
    assert "LIMIT 11" in neither


@here
@pytest.mark.parametrize("variant", ["slow", "estimate", "fast"])
def test_every_variant_knows_whether_there_is_a_next_page(client, variant):
    before_the_last = page_of(client, "expensive-count", variant, movies=1850)
    the_last = page_of(client, "expensive-count", variant, movies=1851)

    assert "There are more." in before_the_last
    assert "There are more." not in the_last
    assert before_the_last.count("<li>") == 1850
    assert the_last.count("<li>") == 1851


@here
def test_an_estimate_is_as_old_as_the_last_analyze(client):
    film = Movie.objects.first()
    film.pk, film.imdb_id = None, None
    film.save()

    exact = page_of(client, "expensive-count", "slow")
    estimate = page_of(client, "expensive-count", "estimate")
    neither = page_of(client, "expensive-count", "fast")

    assert '<p class="lead">1,852 films</p>' in exact
    assert '<p class="lead">About 1,851 films</p>' in estimate
    assert "1,85" not in neither
