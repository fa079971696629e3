"""Test that the last results stand on the contents page, and which are refused."""

import json

import pytest
from django.test import Client

from perflab.catalogue import registry


@pytest.fixture
def client(db):
    """A browser that has skipped the guesses, so that the contents page shows it the results."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.get("/?guess=skip")
    return client


@pytest.mark.django_db
def test_a_result_that_was_measured_stands_on_the_contents_page(client, settings, tmp_path):
    settings.VAR = tmp_path
    result = {"ratio": 9.25, "low": 8.5, "high": 10, "movies": 100, "round_trip": 2}
    result |= {"slow_queries": 101, "fast_queries": 1}
    assert client.get("/").content.count(b"not run yet") == len(registry.runnable())

    assert client.post("/experiments/n-plus-one/result/", result).status_code == 204

    page = " ".join(client.get("/").content.decode().split())
    assert page.count("not run yet") == len(registry.runnable()) - 1
    assert "<b>9.3×</b> faster" in page
    assert "the machine was busy" not in page
    assert "with 100 films, 2 ms of simulated round trip" in page
    assert json.loads((tmp_path / "results/n-plus-one.json").read_text())["queries"] == [101, 1]


@pytest.mark.django_db
def test_the_load_of_the_machine_and_its_check_stand_with_the_result(client, settings, tmp_path):
    settings.VAR = tmp_path
    result = {"ratio": 9.25, "low": 8.5, "high": 10, "movies": 100, "round_trip": 2}
    result |= {"slow_queries": 101, "fast_queries": 1, "other_cores": 1.26}
    result |= {"check_ratio": 1.01, "check_low": 0.9, "check_high": 1.1}

    assert client.post("/experiments/n-plus-one/result/", result).status_code == 204

    kept = json.loads((tmp_path / "results/n-plus-one.json").read_text())
    assert (kept["other_cores"], kept["check"]) == (1.26, [1.01, 0.9, 1.1])
    page = " ".join(client.get("/").content.decode().split())
    assert "the machine was busy, other programs kept 1.3 cores at work" in page


@pytest.mark.django_db
def test_a_fast_variant_that_is_slower_is_called_slower(client, settings, tmp_path):
    settings.VAR = tmp_path
    result = {"ratio": 0.25, "low": 0.2, "high": 0.3, "movies": 10, "round_trip": 0}

    client.post("/experiments/n-plus-one/result/", result | {"slow_queries": 1, "fast_queries": 1})

    assert "<b>4.0×</b> slower" in client.get("/").content.decode()


@pytest.mark.django_db
def test_an_interval_that_holds_one_is_shown_as_no_difference(client, settings, tmp_path):
    settings.VAR = tmp_path
    result = {"ratio": 1.05, "low": 0.9, "high": 1.2, "movies": 10, "round_trip": 0}

    client.post("/experiments/n-plus-one/result/", result | {"slow_queries": 1, "fast_queries": 1})

    assert "no measurable difference" in client.get("/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [{"ratio": "x"}, {"ratio": "nan"}, {"ratio": "-1"}, {"low": "5"}, {"movies": "10000000"}]
    + [{"movies": ""}, {"round_trip": "51"}, {"slow_queries": "-1"}, {"high": "inf"}]
    + [{"other_cores": "-1"}, {"check_ratio": "x"}],
    ids=str,
)
def test_a_result_that_cannot_be_is_refused(client, settings, tmp_path, change):
    settings.VAR = tmp_path
    result = {"ratio": 2, "low": 1.5, "high": 3, "movies": 10, "round_trip": 0}

    response = client.post(
        "/experiments/n-plus-one/result/", result | {"slow_queries": 1, "fast_queries": 1} | change
    )

    assert response.status_code == 400
    assert not (tmp_path / "results").exists()
