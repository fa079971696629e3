"""Test which statements of a trace are explained."""

import pytest
from django.test import Client

from perflab.measure import query_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


def test_a_select_is_explained(client):
    trace_id = client.get("/experiments/many-to-many/fast/?movies=5&trace=1")["X-Perflab-Trace"]

    for statement in (0, 1):
        plan = client.get(f"/traces/{trace_id}/{statement}/plan/")
        assert plan.status_code == 200
        assert "movies_movie" in plan.content.decode()
    assert client.get(f"/traces/{trace_id}/99/plan/").status_code == 404


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "query", "sql": "DELETE FROM movies_review", "params": []},
        {"kind": "query", "sql": "SELECT 1; DELETE FROM movies_review", "params": []},
        {"kind": "query", "sql": "SELECT 1", "params": None},
        {"kind": "query", "sql": "SELECT * FROM no_such_table", "params": []},
        {"kind": "cache", "outcome": "hit"},
    ],
    ids=str,
)
def test_what_is_no_plain_select_is_not_explained(event):
    from movies.models import Review

    before = Review.objects.count()

    with pytest.raises(query_plan.NoPlan):
        query_plan.explain(event)

    assert Review.objects.count() == before
