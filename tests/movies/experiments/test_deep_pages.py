"""Test deep-pages: every page is the same however it is found, and what the offset costs."""

import re

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client

from movies.models import Movie
from tests.support.experiments import page_of, statements_of

here = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


PAGES_OF_FILMS = ("slow", "either", "range", "fast")


@here
@pytest.mark.parametrize("number", [1, 10, 100, 10_000])
def test_every_page_is_the_same_however_it_is_found(client, number):
    slow, either, from_year, fast = (
        page_of(client, "deep-pages", variant, page=number, movies=20) for variant in PAGES_OF_FILMS
    )

    films = Movie.objects.order_by("year", "id")[20 * (number - 1) : 20 * number]
    assert fast == from_year == either == slow
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
    return events[number]["sql"], client.get(f"{trace}/{number}/plan/").content.decode()


BEGINS = {  # where in the index on (year, id) a variant begins, as the plan says it
    "sqlite": {"range": "(year>?)", "fast": "(year>?)"},
    "postgresql": {"range": "Index Cond: (year >=", "fast": "Index Cond: (ROW(year, id) >= ROW("},
}


@here
@pytest.mark.parametrize("variant", PAGES_OF_FILMS)
def test_only_two_variants_begin_in_the_middle_of_the_index(client, variant):
    statement, plan = plan_of_the_films(client, variant)

    begins = BEGINS[connection.vendor].get(variant)
    if (
        variant != "slow" or connection.vendor == "sqlite"
    ):  # PostgreSQL reads so small a table whole
        assert "movie_year_id" in plan
    assert (begins in plan) if begins else not re.search(r"Index Cond: \((year|ROW)", plan)
    assert ("OFFSET" in statement) == (variant == "slow")


@here
@pytest.mark.skipif(connection.vendor != "postgresql", reason="only its plans count such rows")
@pytest.mark.parametrize(("variant", "of"), [("either", "start"), ("range", "year"), ("fast", "")])
def test_how_many_films_are_read_in_vain(client, variant, of):
    year, pk = Movie.objects.order_by("year", "id").values_list("year", "id")[900]
    passed = {
        "start": 900,
        "year": Movie.objects.filter(year=year, id__lt=pk).count(),
        "": 0,
    }[of]

    plan_of_the_films(client, variant)  # from now on the table is not read as a whole
    *_, statement = statements_of(client, "deep-pages", variant, page=10)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    removed = sum(int(number) for number in re.findall(r"Removed by Filter: (\d+)", plan))
    assert removed == passed


@here
def test_the_range_says_mixed_directions_too_and_nothing_finds_a_null():
    films = list(Movie.objects.order_by("-year", "id").values_list("year", "id"))
    year, pk = films[700]

    after = Movie.objects.filter(Q(year__lt=year) | Q(id__gte=pk), year__lte=year)

    assert list(after.order_by("-year", "id").values_list("year", "id")) == films[700:]
    with connection.cursor() as cursor:
        cursor.execute("SELECT (NULL, 7) >= (1, 1), (1, 7) >= (1, 1)")
        assert cursor.fetchone() in [(None, True), (None, 1)]


@here
def test_who_jumps_to_a_deep_page_pays_for_the_offset_once(client):
    jump = statements_of(client, "deep-pages", "fast", cold="jump")
    link = statements_of(client, "deep-pages", "fast", cold="jump")

    assert ["OFFSET" in statement for statement in jump] == [True, False]
    assert ["OFFSET" in statement for statement in link] == [False]
