"""Test upsert: what is inserted, updated and gone, and a row that comes in between."""

import sys

import pytest
from django.db import connection
from django.test import Client

from movies.experiments import upsert
from movies.models import Listing, Movie
from tests.support.experiments import page_of, statements_of

here = pytest.mark.django_db(databases="__all__")
VARIANTS = ("loop", "transaction", "conflicts")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


@here
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("rows", [1, 11])
def test_every_film_is_listed_once_with_its_running_time_and_nothing_stays(client, variant, rows):
    page = page_of(client, "upsert", variant, movies=rows)

    assert page.count("<tr><td>") == rows
    for film in Movie.objects.order_by("id")[:rows]:
        assert f"<td>{film.minutes}</td>" in page
    assert "<td>0</td>" not in page
    assert not Listing.objects.exists()


@here
def test_half_of_the_films_are_known_before(monkeypatch):
    with upsert.programme(11) as sent:
        known = list(Listing.objects.order_by("film").values_list("film", "minutes"))

    assert known == [(listing.film, 0) for listing in sent[:6]]
    assert len(sent) == 11
    assert not any(listing.pk for listing in sent)


@here
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_page_that_fails_leaves_nothing(client, variant, monkeypatch):
    def fail(*args):
        assert Listing.objects.count() == 10
        raise ZeroDivisionError

    monkeypatch.setattr(sys.modules[upsert.__name__], "render", fail)

    response = client.get(f"/experiments/upsert/{variant}/", {"movies": 10})

    assert response.status_code == 500
    assert not Listing.objects.exists()


@here
def test_a_film_that_somebody_else_lists_just_before_is_updated(client):
    inserted = []

    def insert_before(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "movies_listing"') and not inserted:
            inserted.append(True)
            batch = Listing.objects.values_list("batch", flat=True)[0]
            last = Movie.objects.order_by("id")[5]
            Listing.objects.create(batch=batch, film=last.id, title="theirs", minutes=0)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(insert_before):
        page = page_of(client, "upsert", "conflicts", movies=10)

    assert inserted
    assert "theirs" not in page
    assert page.count("<tr><td>") == 10
    assert "<td>0</td>" not in page


@here
def test_the_database_settles_the_conflicts(client):
    (written,) = [
        sql
        for sql in statements_of(client, "upsert", "conflicts", movies=100)
        if sql.startswith('INSERT INTO "movies_listing"')
    ]

    assert 'ON CONFLICT("batch", "film") DO UPDATE SET "title" = EXCLUDED."title"' in written


@here
def test_one_transaction_holds_the_whole_loop(client):
    def savepoints(variant):
        asked = statements_of(client, "upsert", variant, movies=10)
        return [number for number, sql in enumerate(asked) if sql.startswith("SAVEPOINT")]

    assert len(savepoints("transaction")) == len(savepoints("loop")) + 1
