"""Test deep-pages: every page is the same however it is found, and what the offset costs."""

import pytest
from django.db import connection
from django.test import Client

from movies.models import Movie
from tests.support.experiments import page_of, statements_of

here = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


PAGES_OF_FILMS = ("slow", "either", "fast")


@here
@pytest.mark.parametrize("number", [1, 10, 100, 10_000])
def test_every_page_is_the_same_however_it_is_found(client, number):
    slow, either, fast = (
        page_of(client, "deep-pages", variant, page=number, movies=20) for variant in PAGES_OF_FILMS
    )

    films = Movie.objects.order_by("year", "id")[20 * (number - 1) : 20 * number]
    assert fast == either == slow
    assert slow.count("<tr><td>") == len(films)
    assert ("There is no such page" in slow) == (number > 93)


def plan_of_the_films(client, variant):
    """The statement for the films of a deep page whose key a link has brought, and its plan."""
    page = {"page": 10, "movies": 100, "cache": "locmem"}
    for trace in ("", "1"):
        response = client.get(f"/experiments/deep-pages/{variant}/", page | {"trace": trace})
    trace = f"/traces/{response['X-Perflab-Trace']}"
    events = client.get(f"{trace}.json").json()["events"]
    (number,) = (n for n, event in enumerate(events) if event["kind"] == "query")
    if connection.vendor == "postgresql":  # which would read so small a table as a whole
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    return events[number]["sql"], client.get(f"{trace}/{number}/plan/").content.decode()


@here
@pytest.mark.parametrize("variant", PAGES_OF_FILMS)
def test_only_the_comparison_of_rows_begins_in_the_middle_of_the_index(client, variant):
    statement, plan = plan_of_the_films(client, variant)

    begins = {"sqlite": "(year>?)", "postgresql": "Index Cond: (ROW(year, id) >= ROW("}
    assert "movie_year_id" in plan
    assert (begins[connection.vendor] in plan) == (variant == "fast")
    assert ("OFFSET" in statement) == (variant == "slow")


@here
def test_who_jumps_to_a_deep_page_pays_for_the_offset_once(client):
    jump = statements_of(client, "deep-pages", "fast", cold="jump")
    link = statements_of(client, "deep-pages", "fast", cold="jump")

    assert ["OFFSET" in statement for statement in jump] == [True, False]
    assert ["OFFSET" in statement for statement in link] == [False]
