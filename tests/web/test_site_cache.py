"""Test the cache of the whole site."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from perflab import caches
from perflab.web.middleware import HostCheckMiddleware
from perflab.web.site_cache import FetchMiddleware, UpdateMiddleware
from tests.support.experiments import address
from tests.support.figures import timing

pytestmark = pytest.mark.django_db


@pytest.fixture
def passed(monkeypatch):
    """Return how many requests have passed the middlewares behind the site's cache."""
    seen = []
    process = HostCheckMiddleware.process_request
    monkeypatch.setattr(
        HostCheckMiddleware,
        "process_request",
        lambda self, request: seen.append(request.path) or process(self, request),
    )
    return seen


each_order = pytest.mark.parametrize("variant", ["site", "site-first"])


@pytest.mark.parametrize(("variant", "times"), [("site", 2), ("site-first", 1)])
def test_a_hit_passes_the_other_middlewares_unless_both_are_first(fresh, passed, variant, times):
    client = Client()
    path = address("what-to-cache", variant, **fresh)

    first, second = client.get(path), client.get(path)

    assert len(passed) == times
    assert second.content == first.content
    assert timing(second)["hits"] == 2
    assert timing(second)["queries"] == 0


def test_a_hit_of_cache_page_passes_them_all(fresh, passed):
    client = Client()
    path = address("what-to-cache", "page", **fresh)

    client.get(path)
    client.get(path)

    assert len(passed) == 2


@each_order
def test_a_hit_has_the_headers_of_the_page_and_figures_of_its_own(fresh, variant):
    client = Client()
    path = address("what-to-cache", variant, **fresh)

    first, second = client.get(path), client.get(path)

    for name in ("Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options"):
        assert second[name] == first[name]
    assert second["Server-Timing"] != first["Server-Timing"]
    assert (timing(first)["queries"], timing(second)["queries"]) == (2, 0)


def test_no_other_page_meets_the_sites_cache(fresh):
    client = Client()
    paths = [address("what-to-cache", "nothing", **fresh), reverse("health"), reverse("films")]

    for path in paths:
        client.get(path)
        assert timing(client.get(path))["calls"] == 0, path


@each_order
def test_the_sites_cache_is_the_one_that_the_knob_names(fresh, monkeypatch, variant):
    client = Client()
    alias = "file"  # as if it were on offer: the pair of caches that is there on every machine
    monkeypatch.setattr(settings, "LAB_CACHES", [*settings.LAB_CACHES, alias])
    client.get(address("what-to-cache", variant, **fresh))

    elsewhere = client.get(address("what-to-cache", variant, **fresh | {"cache": alias}))

    assert timing(elsewhere)["queries"] == 2


@each_order
def test_a_flush_reaches_the_sites_cache(client, variant):
    path = address("what-to-cache", variant, movies=10, cache="locmem")
    client.get(path)
    assert timing(client.get(path))["queries"] == 0

    caches.flush("what-to-cache")

    assert timing(client.get(path))["queries"] == 2


@each_order
def test_a_bad_knob_is_refused_in_front_of_the_sites_cache_too(fresh, variant):
    client = Client()
    client.get(address("what-to-cache", variant, **fresh))

    answer = client.get(address("what-to-cache", variant, **fresh | {"movies": "many"}))

    assert answer.status_code == 400
    assert "movies must be" in answer.content.decode()


@each_order
def test_only_reading_is_kept(fresh, variant):
    client = Client()
    path = address("what-to-cache", variant, **fresh)

    assert client.post(path).status_code == 405
    assert timing(client.get(path))["queries"] == 2


@each_order
def test_an_inspected_page_is_neither_kept_nor_taken_from_the_cache(rf, variant):
    made = []
    middleware = UpdateMiddleware(
        FetchMiddleware(lambda request: made.append(request) or "a response")
    )
    request = rf.get(address("what-to-cache", variant, movies=10))
    request.inspect = True

    assert middleware(request) == "a response"
    assert middleware(request) == "a response"
    assert len(made) == 2


@each_order
def test_a_strangers_host_is_refused_before_the_sites_cache(fresh, variant):
    Client().get(address("what-to-cache", variant, **fresh))

    answer = Client(SERVER_NAME="stranger.example").get(address("what-to-cache", variant, **fresh))

    assert answer.status_code == 400
