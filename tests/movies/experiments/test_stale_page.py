"""Test stale-page: how old the film on a cached page is after a change."""

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.db.models import Count
from django.test import RequestFactory

from movies.experiments import stale_page
from movies.models import Movie, Tonight
from perflab.caches import using
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


@pytest.mark.django_db
def test_the_entry_is_deleted_after_the_commit_and_not_before(
    token, django_capture_on_commit_callbacks
):
    """This test runs in a transaction, as a view does with ATOMIC_REQUESTS."""
    with using("locmem", "stale-page", "invalidated", token):
        cache.set("tonight", "the old film", 60)

        with django_capture_on_commit_callbacks() as callbacks:
            stale_page.change_and_delete(RequestFactory().post("/"), 10)

        assert cache.get("tonight") == "the old film"
        for callback in callbacks:
            callback()
        assert cache.get("tonight") is None


def test_djangos_own_version_moves_one_entry():
    cache = LocMemCache("versions", {})
    cache.set("tonight", "a film", 60)

    assert cache.incr_version("tonight") == 2

    assert cache.get("tonight") is None
    assert cache.get("tonight", version=2) == "a film"


@pytest.mark.django_db
def test_the_place_of_a_film_counts_those_that_were_reviewed_more():
    most = Movie.objects.annotate(review_count=Count("reviews")).latest("review_count")

    film = stale_page.film_of(Tonight(film_id=most.id))

    assert film["place"] == 1
    assert stale_page.film_of(Tonight(film_id=0)) == {}
