"""Test lost-update: whose vote is counted when two vote at the same moment."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from movies import polls
from movies.experiments import lost_update
from movies.models import Poll
from perflab.catalogue import registry
from perflab.compare.clients import OverHTTP
from perflab.compare.lab_pages import read_catalogue
from perflab.compare.story import play_story
from tests.support.experiments import page_of, statements_of
from tests.support.services import undisturbed

here = pytest.mark.django_db(databases="__all__")
VARIANTS = [variant.name for variant in registry.get("lost-update").variants]
CHANGE = "/experiments/lost-update/{}/change/?movies=1&pause=20"


@pytest.fixture
def somebody_else(monkeypatch):
    """Another visitor, whose vote is taken while each voter pauses."""
    times = []

    def vote(seconds):
        times.append(seconds)
        Poll.objects.filter(name=polls.EVENING).update(votes=F("votes") + 1)

    monkeypatch.setattr(lost_update, "sleep", vote)
    return times


@here
@pytest.mark.parametrize(("variant", "votes"), [("saved", 1), ("expression", 2)])
def test_a_vote_that_is_taken_meanwhile_is_lost_by_save_alone(
    client, somebody_else, variant, votes
):
    assert client.post(CHANGE.format(variant)).status_code == 204

    assert polls.count_votes(polls.EVENING) == votes
    assert somebody_else == [0.02]


@here
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_page_votes_in_a_poll_of_its_own_and_deletes_it(client, variant):
    polls.empty_poll_of_the_evening()

    page = page_of(client, "lost-update", variant, movies=10)

    assert "a poll of its own: 1 vote." in page
    assert "data-answer>0 votes<" in page
    assert page.count("<li>") == 10
    assert [poll.name for poll in Poll.objects.all()] == [polls.EVENING]


@here
def test_a_page_that_fails_leaves_no_poll_and_touches_nobody_elses(monkeypatch):
    def fail(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(lost_update, "render", fail)
    long_ago = timezone.now() - timedelta(minutes=11)
    Poll.objects.create(name="at work")
    Poll.objects.create(name="left behind", made=long_ago)
    Poll.objects.create(name=polls.EVENING, made=long_ago)

    response = Client(raise_request_exception=False).get("/experiments/lost-update/saved/")

    assert response.status_code == 500
    assert {poll.name for poll in Poll.objects.all()} == {"at work", polls.EVENING}


@here
@pytest.mark.parametrize("variant", VARIANTS)
def test_only_postgresql_is_asked_for_a_lock_and_only_by_the_variant_that_wants_one(
    client, variant
):
    statements = statements_of(client, "lost-update", variant, movies=1)

    locks = [statement for statement in statements if "FOR UPDATE" in statement]
    assert len(locks) == (variant == "locked" and connection.vendor == "postgresql")
    increments = [s for s in statements if '("movies_poll"."votes" + 1)' in s]
    assert len(increments) == (variant == "expression")
    opened = [s for s in statements if s.startswith("SAVEPOINT")]  # within the test's transaction
    assert len(opened) == (variant not in ("saved", "expression"))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="transaction_mode is SQLite's")
@pytest.mark.django_db
def test_locked_deferred_begins_as_django_does_by_default_and_the_others_as_the_lab(
    tmp_path, monkeypatch
):
    own = connection.copy()  # outside of the test's transaction, and of its database
    own.settings_dict["NAME"] = tmp_path / "polls.sqlite3"
    monkeypatch.setattr(lost_update, "connection", own)

    def begins(scope=nullcontext):
        with CaptureQueriesContext(own) as captured, scope():
            own.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        own.rollback()
        own.set_autocommit(True)
        return captured.captured_queries[0]["sql"]

    assert begins() == "BEGIN IMMEDIATE"
    assert begins(lost_update.transactions_begin_deferred) == "BEGIN"
    assert begins() == "BEGIN IMMEDIATE"
    own.close()


@here
def test_a_database_that_is_locked_refuses_the_vote_and_says_so(client, monkeypatch):
    def fail(seconds):
        raise OperationalError("database is locked")

    monkeypatch.setattr(lost_update, "sleep", fail)

    answer = client.post(CHANGE.format("saved"))

    assert answer.status_code == 503
    assert "The vote was refused: database is locked." in answer.text


@here
def test_a_new_collection_empties_the_polls(seed_again):
    Poll.objects.create(name="left behind")

    seed_again()

    assert not Poll.objects.exists()


@pytest.fixture
def seed_again():
    from movies import seeding

    return lambda: seeding.seed(50, reset=True)


@pytest.mark.server
def test_on_postgresql_a_transaction_alone_loses_votes_and_a_lock_does_not(
    start_lab, own_postgresql
):
    client = OverHTTP(start_lab(workers=2, DATABASE_URL=own_postgresql.url).url)
    found = {e["slug"]: e for e in read_catalogue(client)["experiments"]}

    def play():
        return play_story(client, found["lost-update"], {"movies": 10, "pause": 200})

    # On a busy machine votes are taken one after the other: there is no verdict then.
    story = undisturbed(
        play, lambda story: all(verdict.right is not None for verdict in story.verdicts)
    )

    rights = {verdict.name: verdict.right for verdict in story.verdicts}
    assert rights == {"saved": False, "in-transaction": False, "locked": True, "expression": True}
    assert story.verdicts[0].words.startswith("lost ")
    log = own_postgresql.log.read_text()
    assert "FOR UPDATE" in log
    assert 'SET "votes" = ("movies_poll"."votes" + 1)' in log
