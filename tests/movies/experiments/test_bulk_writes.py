"""Test bulk-writes: what is written is shown and gone, also where a page fails."""

import sys
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from movies import drafts
from movies.models import Draft
from perflab.catalogue import registry
from tests.support.experiments import page_of, statements_of

here = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


WRITERS = [
    (slug, variant.name)
    for slug in ("bulk-writes", "bulk-update")
    for variant in registry.get(slug).variants
]


@here
@pytest.mark.parametrize(("slug", "variant"), WRITERS)
def test_what_is_written_is_shown_and_gone(client, slug, variant):
    page = page_of(client, slug, variant, movies=10)

    assert page.count("<tr><td>") == 10
    assert page.count(f"<td>{1 if slug == 'bulk-update' else 0}</td>") == 10
    assert not Draft.objects.exists()


@here
@pytest.mark.parametrize(("slug", "variant"), WRITERS)
def test_a_page_that_fails_leaves_nothing_and_touches_nobody_elses(
    client, slug, variant, monkeypatch
):
    def fail(*args):
        assert Draft.objects.filter(year__gt=1).exists()
        raise ZeroDivisionError

    monkeypatch.setattr(sys.modules[registry.get(slug).slow.view.__module__], "render", fail)
    Draft.objects.create(batch="another request", title="still at work", year=1)
    long_ago = timezone.now() - timedelta(minutes=11)
    Draft.objects.create(batch="a killed worker", title="left behind", year=1, made=long_ago)

    response = client.get(f"/experiments/{slug}/{variant}/", {"movies": 10})

    assert response.status_code == 500
    assert [draft.title for draft in Draft.objects.all()] == ["still at work"]


@here
def test_the_middle_variant_writes_the_same_statements_in_one_transaction(client):
    def kinds_of(variant):
        kinds = [
            statement.split()[0] for statement in statements_of(client, "bulk-writes", variant)
        ]
        return [kind for kind in kinds if kind in ("INSERT", "SAVEPOINT", "RELEASE")]

    one_by_one = kinds_of("slow")
    together = kinds_of("transaction")

    assert one_by_one == ["INSERT"] * 100
    assert together == ["SAVEPOINT", *["INSERT"] * 100, "RELEASE"]


@here
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no such setting")
@pytest.mark.parametrize("fails", [False, True])
def test_commits_are_synced_for_a_block_and_then_as_before(fails, monkeypatch):
    other = connection.copy("other")  # outside of the test's transaction
    monkeypatch.setattr(drafts, "connection", other)

    def level():
        return other.connection.execute("PRAGMA synchronous").fetchone()[0]

    try:
        other.ensure_connection()
        before = level()
        with suppress(ZeroDivisionError), drafts.synced_commits():
            within = level()
            if fails:
                raise ZeroDivisionError
        after = level()
        with transaction_of(other), drafts.synced_commits():
            pass  # SQLite would refuse to change it
    finally:
        other.close()

    assert (before, within, after) == (1, 2, 1)


@contextmanager
def transaction_of(database):
    """A block that Django takes for a transaction of this connection."""
    database.in_atomic_block = True
    try:
        yield
    finally:
        database.in_atomic_block = False
