"""Test the cache in local memory: what it lets go of, and when."""

import time

import pytest
from django.conf import settings
from django.core.cache.backends import locmem

from perflab.caches.local_memory import LocMemCache


@pytest.fixture
def cache(request):
    cache = LocMemCache(request.node.name, {"OPTIONS": {"MAX_ENTRIES": 100}})
    yield cache
    cache.clear()


@pytest.fixture
def later(monkeypatch):
    """A function that puts the cache's clock forward by some seconds."""

    def later(seconds):
        now = time.time() + seconds
        monkeypatch.setattr(locmem, "time", type("clock", (), {"time": lambda: now}))

    return later


def test_what_has_expired_goes_when_something_is_added(cache, later):
    for number in range(50):
        cache.set(f"old-{number}", "page", 60)
    later(61)

    for number in range(25):
        cache.set(f"new-{number}", "page", 600)

    assert len(cache._cache) == len(cache._expire_info) == 25
    assert all(cache.get(f"new-{number}") for number in range(25))


def test_what_still_counts_stays(cache, later):
    cache.set("long", "page", 600)
    cache.set("ever", "page", None)
    for number in range(20):
        cache.set(f"short-{number}", "page", 60)
    later(61)

    for number in range(20):
        cache.set(f"new-{number}", "page", 600)

    assert cache.get("long") == cache.get("ever") == "page"


def test_it_keeps_no_more_than_its_entries(cache):
    for number in range(300):
        cache.add(f"page-{number}", "page", 60)

    assert len(cache._cache) <= 100


def test_the_labs_own_has_room_for_a_page_of_single_films():
    options = settings.CACHE_BACKENDS["locmem"]["OPTIONS"]

    assert options["MAX_ENTRIES"] > 2 * settings.MAX_MOVIES
