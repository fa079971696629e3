"""Test the page of the last comparison of settings."""

import pytest

from perflab.load import run as runs
from perflab.load.comparisons import tuning

ROUNDS = [10.0, 10.1, 10.2, 9.9, 10.3, 10.0]


def found(on, off, name="preload"):
    """A switch whose p50 was so in each round."""
    return tuning.compared(tuning.SWITCHES[name], {"p50_ms": on}, {"p50_ms": off})


@pytest.fixture
def keep(tmp_path, settings):
    """A function that keeps a run of the last moment, with the switches given."""
    settings.VAR = tmp_path

    def kept_run(*switches, moment="20260101-000000"):
        run = {"version": 1, "id": f"{moment}-tuning-1", "kind": "tuning", "state": "done"}
        run |= {"date": "2026-01-02T03:04:00+00:00", "path": "/a/page/", "rounds": 6, "users": 1}
        runs.save({**run, "workers": 2, "switches": list(switches), "warnings": ["it was busy"]})

    return kept_run


def test_the_page_shows_the_last_run_with_its_date(client, keep):
    keep(found(ROUNDS, ROUNDS, "max-requests"), moment="20250101-000000")
    keep(found([0.8 * ms for ms in ROUNDS], ROUNDS))

    page = client.get("/tuning/").content.decode()

    assert "2 Jan 2026, 03:04 UTC · done" in page
    assert "preload: on it gains p50 20 % less; off by default." in page
    assert "<td>8.04</td><td>10.05</td><td>0.80</td>" in page
    assert "Mind: it was busy." in page
    assert "max-requests" not in page


def test_without_a_run_the_page_says_how_to_make_one(client, keep):
    page = client.get("/tuning/").content.decode()

    assert "manage.py load --tuning" in page
    assert "on ÷ off" not in page
