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


def test_it_keeps_no_more_than_its_bytes_and_the_oldest_go_first(cache, monkeypatch):
    monkeypatch.setattr("perflab.caches.local_memory.MAX_BYTES", 10_000)
    cache.set("ever", "x" * 100, None)
    for number in range(20):
        cache.set(f"page-{number}", "x" * 1900, 60)
        cache.get("ever")

    assert cache.get("ever") == "x" * 100
    assert [number for number in range(20) if cache.get(f"page-{number}")] == [15, 16, 17, 18, 19]

    cache.set("huge", "x" * 20_000, 60)

    assert list(cache._cache) == list(cache._expire_info) == [cache.make_key("huge")]


def test_it_knows_its_bytes_whatever_is_done(cache):
    def check():
        assert cache._cache.size == sum(len(value) for value in cache._cache.values())

    for number in range(150):  # more than its entries: some are culled
        cache.set(f"page-{number}", "x" * number, 60)
        cache.set(f"page-{number}", "y" * 2 * number, 60)
    check()
    cache.set("number", 250, 60)
    cache.incr("number", 10)
    cache.add("number", 7)
    cache.delete("page-149")
    cache.delete("page-149")
    check()
    cache.touch("number", -1)
    assert cache.get("number") is None
    check()

    cache.clear()

    assert cache._cache.size == 0
    cache.set("page", "page", 60)
    check()


def test_the_labs_own_has_room_for_a_page_of_single_films():
    options = settings.CACHE_BACKENDS["locmem"]["OPTIONS"]

    assert options["MAX_ENTRIES"] > 2 * settings.MAX_MOVIES
