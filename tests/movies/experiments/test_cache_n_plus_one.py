"""Test cache-n-plus-one: how often the cache is asked."""

import pytest

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
