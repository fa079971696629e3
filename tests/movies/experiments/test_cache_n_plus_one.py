"""Test cache-n-plus-one: how often the cache is asked."""

import pytest
from django.core.cache.backends.locmem import LocMemCache

from movies.experiments import cache_n_plus_one
from perflab.catalogue import registry
from perflab.compare.promises import broken_promises
from tests.support.experiments import address
from tests.support.figures import timing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("variant", "cold", "warm"), [("slow", 20, 10), ("fast", 2, 1)])
def test_the_cache_is_asked_once_for_each_film_or_once(client, fresh, variant, cold, warm):
    path = address("cache-n-plus-one", variant, **fresh)

    first, second = timing(client.get(path)), timing(client.get(path))

    assert first["calls"] == cold
    assert second["calls"] == warm
    assert (first["hits"], first["misses"]) == (0, 10)
    assert (second["hits"], second["misses"]) == (10, 0)


@pytest.mark.parametrize("variant", ["slow", "fast"])
def test_only_films_that_are_missing_are_made(client, fresh, variant):
    client.get(address("cache-n-plus-one", variant, **fresh))

    more = client.get(address("cache-n-plus-one", variant, **fresh | {"movies": 12}))

    assert (timing(more)["hits"], timing(more)["misses"]) == (10, 2)
    assert more.content.count(b"<li>") == 12


@pytest.mark.parametrize("cache", ["locmem"])
def test_it_keeps_its_promises_with_more_films_than_django_keeps_entries(cache):
    assert broken_promises(registry.get("cache-n-plus-one"), 400, cache) == []


def misses(films, options):
    """Return how many films a page misses in Django's local memory, on three visits."""
    cache = LocMemCache(f"a page of {films} with {options}", {"OPTIONS": options})
    keys = [f"film:{number}" for number in range(films)]
    found = []
    for _ in range(3):
        there = cache.get_many(keys)
        missing = [key for key in keys if key not in there]
        cache.set_many(dict.fromkeys(missing, "a film"), 600)
        found.append(len(missing))
    return found


@pytest.mark.parametrize(("films", "later"), [(300, 0), (301, 100), (1000, 700)])
def test_local_memory_keeps_300_entries_if_nobody_says_more(films, later):
    options = {}
    exec(cache_n_plus_one.SETTINGS, options)

    assert misses(films, {}) == [films, later, later]
    assert misses(films, options["CACHES"]["default"]["OPTIONS"]) == [films, 0, 0]
