"""Test bulk-writes: what is written is shown and gone, also where a page fails."""

import sys
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

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
