"""Test /experiments.json and /health/."""

import json

import pytest
from django.db import connection
from django.test import Client

from perflab.catalogue import registry

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


@pytest.mark.long
def test_the_catalogue_names_every_variant_and_what_it_promises(client):
    catalogue = json.loads(client.get("/experiments.json").content)

    assert [e["slug"] for e in catalogue["experiments"]] == [e.slug for e in registry.runnable()]
    assert set(catalogue["elsewhere"]) == {
        e.slug for e in registry.experiments.values() if not e.runs_here
    }
    first = catalogue["experiments"][0]
    assert first["variants"][0] == {
        "name": "slow",
        "url": "/experiments/n-plus-one/slow/",
        "differs": "",
        "revalidates": False,
        "reference": False,
        "body": "html",
        "queries": dict.fromkeys(
            ("cold", "warm"), {"base": 1, "per_row": 1, "batch": 0, "per_batch": 1}
        ),
    }
    for experiment in catalogue["experiments"]:
        for variant in experiment["variants"]:
            assert client.get(variant["url"] + "?movies=3").status_code == 200
    assert set(catalogue["knobs"]) == {"movies", "round_trip", "cache", "cold"}


def test_health_names_each_part(client, settings, tmp_path):
    settings.VAR = tmp_path  # where nothing has failed yet

    state = json.loads(client.get("/health/").content)

    assert state["status"] == "ok"
    known = {"vendor": connection.vendor, "state": "up", "last_failure": None}
    assert state["database"] == known
    assert set(state["caches"].values()) == {"up"}
