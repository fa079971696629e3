"""Test the addresses of an experiment's variants."""

import pytest
from django.test import Client

from perflab.catalogue import registry

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


def test_the_ends_of_a_ladder_are_found_at_their_own_address(client):
    ladder = "/experiments/what-to-cache/"
    last = registry.get("what-to-cache").fast

    response = client.get(ladder + "fast/?movies=3")

    assert last.site_cache  # what serves it is found by the variant's own address
    assert response.status_code == 302
    assert response["Location"] == f"{ladder}{last.name}/?movies=3"
