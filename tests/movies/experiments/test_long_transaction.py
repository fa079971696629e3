"""Test long-transaction: what is held while a service is asked, and who waits for it."""

import pytest
from django.db import connection

from movies.experiments import long_transaction
from movies.models import Movie, Print
from perflab.compare.clients import OverHTTP
from perflab.compare.lab_pages import read_catalogue
from perflab.compare.story import play_story
from tests.support.experiments import page_of, statements_of

here = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def archive(monkeypatch):
    """The archive, which answers at once and notes in how many transactions it was asked."""
    depths = []

    def ask(service, movies, wait):
        depths.append(len(connection.savepoint_ids))  # the test itself is a transaction
        return ["vault 7, shelf 12" for _ in movies]

    monkeypatch.setattr(long_transaction, "ask", ask)
    return depths


@here
@pytest.mark.parametrize(("variant", "depth"), [("inside", 1), ("outside", 0)])
def test_the_archive_is_asked_within_the_transaction_or_before_it(client, archive, variant, depth):
    page = page_of(client, "long-transaction", variant, movies=10)

    assert archive == [depth]
    assert "vault 7, shelf 12" in page
    assert page.count("<li>") == 10


@here
@pytest.mark.parametrize("variant", ["inside", "outside"])
def test_what_the_archive_says_is_written_once_and_no_film_is_changed(client, archive, variant):
    before = list(Movie.objects.order_by("id").values()[:10])

    for _ in range(2):
        page_of(client, "long-transaction", variant, movies=10)

    assert [str(found) for found in Print.objects.all()] == [
        f"film {before[0]['id']}: vault 7, shelf 12"
    ]
    assert list(Movie.objects.order_by("id").values()[:10]) == before


@here
@pytest.mark.parametrize("variant", ["inside", "outside"])
def test_the_film_is_locked_where_the_database_has_such_locks(client, archive, variant):
    statements = statements_of(client, "long-transaction", variant, movies=1)

    locks = [s for s in statements if "FOR UPDATE" in s and '"movies_movie"' in s]
    assert len(locks) == connection.features.has_select_for_update
    opened = [number for number, s in enumerate(statements) if s.startswith("SAVEPOINT")]
    film = next(number for number, s in enumerate(statements) if "movies_movie" in s)
    assert film < opened[0]  # the list is read before the transaction begins


@pytest.mark.server
def test_on_postgresql_the_others_wait_for_the_row_and_only_inside(start_lab, own_postgresql):
    lab = start_lab(workers=2, DATABASE_URL=own_postgresql.url)
    client = OverHTTP(lab.url)
    found = {e["slug"]: e for e in read_catalogue(client)["experiments"]}

    story = play_story(client, found["long-transaction"], {"movies": 10, "wait": 1000})

    inside, outside = story.verdicts
    assert inside.right is False
    assert "waited for somebody else's transaction" in inside.words
    assert outside.right is True


@here
def test_two_people_can_try_it_by_hand_in_a_lab_of_their_own(client, archive):
    page = page_of(client, "long-transaction", "inside", movies=10, wait=1000)

    assert "vault 7, shelf 12" in page
    assert max(long_transaction.WAITS) == 1000
