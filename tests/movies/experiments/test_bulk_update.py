"""Test bulk-update: a vote that comes in between."""

import re

import pytest
from django.db import connection
from django.test import Client

from movies.models import Draft
from tests.support.experiments import page_of, statements_of

here = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


@here
@pytest.mark.parametrize(
    ("variant", "votes"), [("slow", 1), ("narrow", 1), ("batches", 1), ("fast", 6)]
)
def test_a_vote_in_between_is_lost_unless_the_database_adds(client, variant, votes):
    voted = []

    def vote_before_the_first_update(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not voted:
            voted.append(True)
            Draft.objects.update(votes=5)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(vote_before_the_first_update):
        page = page_of(client, "bulk-update", variant, movies=10)

    assert voted
    assert page.count(f"<td>{votes}</td>") == 10


def columns_set(statement):
    """The columns that an UPDATE sets."""
    return set(re.findall(r'"(\w+)" = ', statement.partition(" WHERE ")[0]))


@here
def test_save_writes_every_column_back_unless_it_is_told_which(client):
    updates = {
        variant: [
            s for s in statements_of(client, "bulk-update", variant) if s.startswith("UPDATE")
        ]
        for variant in ("slow", "narrow", "batches", "fast")
    }

    every = {"batch", "made", "title", "year", "votes"}
    assert {name: len(found) for name, found in updates.items()} == {
        **{"slow": 100, "narrow": 100, "batches": 1, "fast": 1}
    }
    assert columns_set(updates["slow"][0]) == every
    assert columns_set(updates["narrow"][0]) == {"votes"}
    assert columns_set(updates["fast"][0]) == {"votes"}
    assert updates["batches"][0].count("WHEN") == 100
