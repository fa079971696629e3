"""Test cache-page: what browsers may keep of a cached page, and what becomes of a form on it."""

import re

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.template import engines
from django.test import Client
from django.urls import path as route
from django.views.decorators.cache import cache_control, cache_page
from django.views.decorators.csrf import csrf_protect

from tests.support.experiments import address

PAGE = "<form method=post>{% csrf_token %}</form>"


def form(request):
    if request.method == "POST":
        return HttpResponse("taken")
    made.append(request)
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


made = []  # requests for which the view has made the page
urlpatterns = [
    route("plain/", cache_page(60)(form)),
    route("protected/", cache_page(60)(csrf_protect(form))),
    route("server-only/", cache_control(max_age=0)(cache_page(60)(lambda r: HttpResponse("page")))),
]


@pytest.fixture
def site(settings):
    """A site of these three pages, with Django's own middleware and cache."""
    settings.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
    settings.ROOT_URLCONF = __name__
    cache.clear()
    made.clear()
    yield
    cache.clear()


def read_form_and_send_it(browser, path):
    """Return the status of a form that a browser has read and sends back."""
    token = re.search(r'value="(\w+)"', browser.get(path).text)[1]
    return browser.post(path, {"csrfmiddlewaretoken": token}).status_code


@pytest.mark.parametrize(
    ("path", "statuses"), [("/plain/", [200, 403]), ("/protected/", [200, 200])]
)
def test_under_cache_page_alone_a_second_visitor_may_not_send_the_form(site, path, statuses):
    ada, bob = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)

    assert [read_form_and_send_it(visitor, path) for visitor in (ada, bob)] == statuses
    assert ("perflab_csrf" in bob.cookies) == (statuses[1] == 200)


def test_a_protected_form_is_not_kept_at_all(site):
    ada = Client(enforce_csrf_checks=True)

    for _ in range(3):
        ada.get("/protected/")

    assert len(made) == 3


@pytest.mark.django_db
def test_a_browser_may_keep_what_no_deletion_on_the_server_reaches(client, fresh):
    path = address("cache-page", "fast", **fresh)

    for answer in (client.get(path), client.get(path)):
        assert "max-age=60" in answer["Cache-Control"]
        assert answer["Expires"]


def test_a_page_can_be_kept_on_the_server_alone(site):
    first, second = Client().get("/server-only/"), Client().get("/server-only/")

    assert first["Cache-Control"] == second["Cache-Control"] == "max-age=0"
    assert second["Age"] == "0"  # which only a hit has
