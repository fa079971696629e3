"""Test the contents page."""

import pytest
from django.test import Client
from django.utils.html import escape
from django.utils.text import slugify

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


def test_contents_group_them_by_what_goes_wrong_in_the_order_of_the_list(client):
    page = client.get("/").content.decode()

    places = [page.index(f'href="/experiments/{slug}/"') for slug in registry.experiments]
    assert places == sorted(places)
    topics = list(dict.fromkeys(one.topic for one in registry.experiments.values()))
    assert topics == list(registry.TOPICS)
    for topic in topics:
        heading = f'<h3 class="topic" id="{slugify(topic)}">{escape(topic)}</h3>'
        assert page.count(heading) == 1
        assert page.count(f'<a href="#{slugify(topic)}">') == 1


def test_the_twelve_for_a_first_workshop_are_marked_and_can_be_shown_alone(client):
    everything = client.get("/").content.decode()
    only = client.get("/?show=first").content.decode()

    twelve = [one for one in registry.experiments.values() if one.first_workshop]
    assert len(twelve) == 12
    assert everything.count('<p class="label">first workshop</p>') == 12
    for experiment in registry.experiments.values():
        assert (f'href="/experiments/{experiment.slug}/"' in only) == experiment.first_workshop
    assert slugify("Which cache") not in only  # a heading without cards
