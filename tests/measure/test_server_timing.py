"""Test that Server-Timing counts as many queries as Django does."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.support.figures import queries

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


def test_the_probe_and_django_count_the_same(client):
    with CaptureQueriesContext(connection) as captured:
        response = client.get("/experiments/reverse-relation/slow/?movies=12")

    assert queries(response) == len(captured) == 13
