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
    result |= {"big": "101 → 1 query", "small": "9.3× faster"}
    assert client.get("/?guess=skip").content.count(b"not run yet") == len(registry.runnable())

    assert client.post("/experiments/n-plus-one/result/", result).status_code == 204

    page = " ".join(client.get("/?guess=skip").content.decode().split())
    assert page.count("not run yet") == len(registry.runnable()) - 1
    assert "<b>101 → 1 query</b>, 9.3× faster; measured here" in page
    assert "the machine was busy" not in page
    assert "with 100 films, 2 ms of simulated round trip" in page
    assert json.loads((tmp_path / "results/n-plus-one.json").read_text())["ratio"] == 9.25


@pytest.mark.django_db
def test_the_load_of_the_machine_and_its_check_stand_with_the_result(client, settings, tmp_path):
    settings.VAR = tmp_path
    result = {"ratio": 9.25, "low": 8.5, "high": 10, "movies": 100, "round_trip": 2}
    result |= {"big": "101 → 1 query", "small": "9.3× faster", "other_cores": 1.26}
    result |= {"check_ratio": 1.01, "check_low": 0.9, "check_high": 1.1}

    assert client.post("/experiments/n-plus-one/result/", result).status_code == 204

    kept = json.loads((tmp_path / "results/n-plus-one.json").read_text())
    assert (kept["other_cores"], kept["check"]) == (1.26, [1.01, 0.9, 1.1])
    page = " ".join(client.get("/?guess=skip").content.decode().split())
    assert "the machine was busy, other programs kept 1.3 cores at work" in page


@pytest.mark.django_db
def test_the_best_variant_is_named_where_it_is_not_the_last(client, settings, tmp_path):
    settings.VAR = tmp_path
    result = {"ratio": 4.1, "low": 3, "high": 5, "movies": 10, "round_trip": 0}
    result |= {"big": "4.1× faster", "small": "9.4 → 2.3 ms", "best": "Best of them: file."}

    client.post("/experiments/cache-backends/result/", result)

    page = " ".join(client.get("/?guess=skip").content.decode().split())
    assert "<b>4.1× faster</b>, 9.4 → 2.3 ms; measured here" in page
    assert "Best of them: file." in page


@pytest.mark.django_db
def test_a_result_of_more_rows_than_there_are_is_refused(client, settings, tmp_path):
    settings.VAR = tmp_path
    client.get("/experiments/n-plus-one/")  # which counts the films
    result = {"ratio": 4.1, "low": 3, "high": 5, "movies": 1852, "round_trip": 0, "big": "x"}

    refused = client.post("/experiments/n-plus-one/result/", result)
    kept = client.post("/experiments/n-plus-one/result/", result | {"movies": 1851})

    assert (refused.status_code, kept.status_code) == (400, 204)
    assert "There are only 1,851 films." in refused.content.decode()


@pytest.mark.django_db
def test_a_file_of_a_version_before_counts_as_no_result(client, settings, tmp_path):
    settings.VAR = tmp_path
    (tmp_path / "results").mkdir()
    before = {"ratio": 4, "low": 3, "high": 5, "movies": 10, "round_trip": 0, "queries": [11, 1]}
    (tmp_path / "results/n-plus-one.json").write_text(json.dumps(before))

    assert client.get("/?guess=skip").content.count(b"not run yet") == len(registry.runnable())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [{"ratio": "x"}, {"ratio": "nan"}, {"ratio": "-1"}, {"low": "5"}, {"movies": "10000000"}]
    + [{"movies": ""}, {"round_trip": "51"}, {"big": ""}, {"high": "inf"}]
    + [{"other_cores": "-1"}, {"check_ratio": "x"}],
    ids=str,
)
def test_a_result_that_cannot_be_is_refused(client, settings, tmp_path, change):
    settings.VAR = tmp_path
    result = {"ratio": 2, "low": 1.5, "high": 3, "movies": 10, "round_trip": 0}

    response = client.post("/experiments/n-plus-one/result/", result | {"big": "x"} | change)

    assert response.status_code == 400
    assert not (tmp_path / "results").exists()
