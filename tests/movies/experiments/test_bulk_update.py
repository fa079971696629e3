"""Test bulk-update: a vote that comes in between."""

import pytest
from django.db import connection
from django.test import Client

from movies.models import Draft
from tests.support.experiments import page_of

here = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


@here
@pytest.mark.parametrize(("variant", "votes"), [("slow", 1), ("fast", 6)])
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
