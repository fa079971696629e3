"""Test every-page: what middleware, a session and context processors ask, and whom it touches."""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.template import engines
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from movies import every_page
from movies.models import Movie, VisitorSession
from perflab.web.views.variants import with_middleware
from tests.support.experiments import page_of, statements_of

here = pytest.mark.django_db(databases="__all__")
VARIANTS = ["eager", "unwritten", "lazy", "plain"]


def tables(statements):
    """The verb and the table of each statement, without those of transactions."""
    kinds = ("SELECT", "UPDATE", "INSERT")
    found = [statement for statement in statements if statement.startswith(kinds)]
    names = ("visitorsession", "tonight", "review", "movie")
    return [(s.split()[0], next(name for name in names if f"movies_{name}" in s)) for s in found]


@here
def test_eager_asks_on_every_page_what_this_page_does_not_show(client):
    page_of(client, "every-page", "eager", movies=10)  # makes the session

    asked = tables(statements_of(client, "every-page", "eager", movies=10))

    assert asked == [
        ("SELECT", "visitorsession"),
        ("SELECT", "tonight"),
        ("SELECT", "movie"),
        ("SELECT", "review"),
        ("SELECT", "movie"),
        ("UPDATE", "visitorsession"),
    ]


@here
@pytest.mark.parametrize(("variant", "sessions"), [("eager", 1), ("unwritten", 0), ("lazy", 0)])
def test_only_the_visitor_who_is_counted_gets_a_session_and_no_more_than_one(
    client, variant, sessions
):
    pages = [page_of(client, "every-page", variant, movies=10) for _ in range(3)]

    assert len(set(pages)) == 1
    assert VisitorSession.objects.count() == sessions
    if sessions:
        assert VisitorSession.objects.get().get_decoded() == {"pages": 3}


@here
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_visitors_own_session_stays_as_it_is(client, variant):
    client.post("/visitor/", {"name": "Ada"})

    response = client.get(f"/experiments/every-page/{variant}/?movies=10")

    assert not response.cookies
    assert client.session["visitor"] == "Ada"
    assert "pages" not in client.session


@here
def test_a_session_that_another_request_has_just_made_is_no_error():
    first, second = every_page.SessionStore(every_page.KEY), every_page.SessionStore(every_page.KEY)
    for store in (first, second):
        store["pages"] = 1

    first.save()
    second.save()

    assert VisitorSession.objects.get().session_key == every_page.KEY


@here
def test_what_is_lazy_is_fetched_where_it_is_shown():
    request = RequestFactory().get("/")
    respond = every_page.banner_lazily(lambda request: HttpResponse(request.tonight.film_id))
    template = engines["django"].from_string("{{ films }}")

    with CaptureQueriesContext(connection) as captured:
        content = respond(request).content
        shown = template.render(every_page.collection_lazily(request))

    assert (content, shown) == (b"1", str(Movie.objects.count()))
    assert len(captured) == 2


def test_a_variants_middleware_wraps_its_view_in_the_order_named():
    names = (f"{__name__}.outer", f"{__name__}.inner")
    view = with_middleware(lambda request, rows, page: HttpResponse(f"{rows} {page}"), names)

    assert view(RequestFactory().get("/"), 10, page=2).content == b"outer(inner(10 2))"


def outer(get_response):
    return lambda request: HttpResponse(b"outer(" + get_response(request).content + b")")


def inner(get_response):
    return lambda request: HttpResponse(b"inner(" + get_response(request).content + b")")
