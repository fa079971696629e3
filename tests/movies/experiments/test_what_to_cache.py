"""Test what-to-cache: how often a warm page asks the cache, and what it renders again."""

import pytest
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import path as route
from django.utils import translation

from movies.experiments import what_to_cache
from tests.support.experiments import address
from tests.support.figures import timing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("variant", "calls"),
    [
        ("nothing", 0),
        ("data", 1),
        ("fragment", 1),
        ("page", 2),
        ("html", 1),
        ("site", 2),
        ("site-first", 2),
    ],
)
def test_a_warm_variant_asks_the_cache_so_often(client, fresh, variant, calls):
    path = address("what-to-cache", variant, **fresh)
    client.get(path)

    assert timing(client.get(path))["calls"] == calls


def test_what_is_rendered_again_grows_less_with_every_depth(client, fresh):
    """By the templates that a warm page renders: the page with its rows, the page alone, none."""

    def rendered(variant):
        path = address("what-to-cache", variant, **fresh)
        client.get(path)
        return [template.name for template in client.get(path).templates]

    assert "movies/catalogue_list.html" in rendered("data")
    assert rendered("fragment") == ["movies/catalogue_cached.html", "perflab/base.html"]
    assert rendered("page") == rendered("html") == rendered("site") == rendered("site-first") == []


def greet(request):
    return HttpResponse(translation.gettext("Monday"))


urlpatterns = [route("", greet)]


@pytest.fixture(params=["DOCUMENTED", "BOTH_FIRST"])
def order(request, settings, monkeypatch):
    """A site of one page in the visitor's language, with the settings that the lesson shows."""
    after = {"MIDDLEWARE": ["django.middleware.locale.LocaleMiddleware"]}
    exec(getattr(what_to_cache, request.param), after)
    settings.MIDDLEWARE = after["MIDDLEWARE"]
    settings.CACHE_MIDDLEWARE_SECONDS = after["CACHE_MIDDLEWARE_SECONDS"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.USE_I18N = True
    monkeypatch.setattr(
        translation, "_trans", type(translation._trans)()
    )  # Django's choice by USE_I18N
    settings.ROOT_URLCONF = __name__
    cache.clear()
    with translation.override("en"):
        yield request.param
    cache.clear()


def test_with_both_first_a_visitor_gets_the_language_of_the_one_before(order):
    read = [
        Client(headers={"Accept-Language": language}).get("/").text for language in ("de", "en")
    ]

    assert read == (["Montag", "Monday"] if order == "DOCUMENTED" else ["Montag", "Montag"])


def test_the_labs_own_middlewares_stand_in_the_documented_places():
    names = [path.rpartition(".")[2] for path in settings.MIDDLEWARE]

    assert names[-1] == "FetchMiddleware"
    assert names.index("UpdateMiddleware") < names.index("SessionMiddleware")
