"""Test the contents page."""

import pytest
from django.test import Client
from django.utils.html import escape

from perflab.catalogue import registry
from tests.support.figures import queries

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


def test_contents_list_every_experiment_under_the_three_acts(client):
    response = client.get("/")

    page = response.content.decode()
    assert page.index("Measure first") < page.index("Do more") < page.index("Do less")
    for experiment in registry.experiments.values():
        assert f'href="/experiments/{experiment.slug}/"' in page
        assert escape(experiment.title) in page
    assert queries(response) == 0
