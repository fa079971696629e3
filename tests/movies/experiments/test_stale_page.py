"""Test stale-page: how old the film on a cached page is after a change."""

import pytest

from movies.models import Movie, Tonight
from perflab.catalogue import registry
from tests.support.experiments import address_with_token, read_answer


@pytest.mark.django_db
def test_a_time_out_shows_the_old_film_until_it_is_over(play, later):
    before, after, now = play("stale-page", "timeout")
    assert after == before

    later(seconds=2.1)

    assert now() != before


@pytest.mark.django_db
@pytest.mark.parametrize("variant", ["uncached", "versioned", "invalidated"])
def test_the_other_variants_show_the_new_film_at_once(play, variant):
    before, after, now = play("stale-page", variant)

    assert after != before
    assert now() == after


@pytest.mark.django_db
def test_the_film_of_the_evening_goes_round_the_collection():
    assert Tonight.now().film_id == 1
    Tonight.change()
    assert Tonight.now().film_id == 2

    Tonight.objects.update(film_id=Movie.objects.order_by("id").last().id)
    Tonight.change()

    assert Tonight.now().film_id == 1
    assert Tonight.now().changes == 2
    assert Tonight.objects.count() == 1


@pytest.mark.django_db
def test_without_a_film_the_cinema_is_closed(client, token):
    Movie.objects.all().delete()
    Tonight.change()

    for variant in registry.get("stale-page").variants:
        page = client.get(address_with_token("stale-page", variant.name, token))
        assert read_answer(page) == "Closed: there is no film."
