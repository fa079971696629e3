"""Test fetch-modes: what Django's fetch modes solve, and what they do not."""

import django
import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from movies.models import Movie, Review
from perflab.catalogue import registry

pytestmark = pytest.mark.django_db(databases="__all__")
has_modes = django.VERSION >= (6, 1)
new = pytest.mark.skipif(not has_modes, reason="Django has fetch modes from 6.1 on")
FILMS = 20


def queries(look, movies):
    with CaptureQueriesContext(connection) as captured:
        for movie in movies:
            look(movie)
    return len(captured)


def films(mode):
    return Movie.objects.fetch_mode(mode).order_by("id")[:FILMS]


@new
@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (lambda movie: movie.director.name, 2),
        (lambda movie: list(movie.countries.all()), 1 + FILMS),
        (lambda movie: movie.reviews.count(), 1 + FILMS),
    ],
    ids=["a foreign key", "a manager", "a manager's count"],
)
def test_peers_are_fetched_for_a_foreign_key_and_not_for_a_manager(look, expected):
    assert queries(look, films(models.FETCH_PEERS)) == expected


@new
def test_peers_are_fetched_through_two_relations_and_for_a_deferred_column():
    reviews = Review.objects.fetch_mode(models.FETCH_PEERS).order_by("id")[:FILMS]

    assert queries(lambda review: review.movie.director.name, reviews) == 3
    assert queries(lambda movie: movie.synopsis, films(models.FETCH_PEERS).only("title")) == 2


@new
def test_films_that_were_not_fetched_together_are_no_peers():
    peers = Movie.objects.fetch_mode(models.FETCH_PEERS)
    one_by_one = (peers.get(pk=pk) for pk in range(1, FILMS + 1))

    assert queries(lambda movie: movie.director.name, one_by_one) == 2 * FILMS
    assert queries(lambda movie: movie.director.name, films(models.FETCH_PEERS).iterator()) == (
        1 + FILMS
    )


@new
def test_what_is_not_there_is_an_error_and_a_manager_is_none():
    from django.core.exceptions import FieldFetchBlocked

    movies = films(models.FETCH_RAISE)

    with pytest.raises(FieldFetchBlocked, match=r"Movie\.director"):
        queries(lambda movie: movie.director.name, movies)
    assert queries(lambda movie: list(movie.countries.all()), movies) == FILMS


@new
def test_the_guarded_page_fails_without_its_join(client, monkeypatch):
    client.raise_request_exception = False
    assert client.get("/experiments/fetch-modes/guarded/?movies=10").status_code == 200

    monkeypatch.setattr(models.QuerySet, "select_related", lambda films, *fields: films)

    assert client.get("/experiments/fetch-modes/guarded/?movies=10").status_code == 500


@pytest.mark.skipif(has_modes, reason="this Django has fetch modes")
def test_an_older_django_says_what_is_needed_and_shows_the_code(client):
    page = client.get("/experiments/fetch-modes/?guess=skip").text
    variant = client.get("/experiments/fetch-modes/peers/?movies=10")

    assert not registry.get("fetch-modes").runs_here
    assert "a lesson on Django 6.1 or newer" in page
    assert "FETCH_PEERS" in page
    assert "select_related" in page
    assert variant.status_code == 409
    assert "Django 6.1 or newer" in variant.text
