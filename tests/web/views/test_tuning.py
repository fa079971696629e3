"""Test the page of the last comparison of settings."""

import re
from datetime import UTC, datetime

import pytest

from perflab.load import store
from perflab.load.comparisons import tuning
from perflab.load.model import TUNING, Rounds, Run

ROUNDS = [10.0, 10.1, 10.2, 9.9, 10.3, 10.0]


def compare(on, off, name="preload"):
    """Return the result of a switch whose p50 was so in each round."""
    measured = Rounds(on={"p50_ms": on}, off={"p50_ms": off})
    return tuning.compare(tuning.SWITCHES[name], measured)


@pytest.fixture
def keep(tmp_path, settings):
    """Return a function that keeps a run with the switches given."""
    settings.VAR = tmp_path

    def keep_run(*switches, moment="20260101-000000"):
        run = Run(
            id=f"{moment}-tuning-1",
            kind=TUNING,
            state="done",
            date=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            path="/a/page/",
            rounds=6,
            users=1,
            workers=2,
            switches=list(switches),
            warnings=["it was busy"],
        )
        store.write(run)

    return keep_run


def test_the_page_shows_the_last_run_with_its_date(client, keep):
    keep(compare(ROUNDS, ROUNDS, "max-requests"), moment="20250101-000000")
    keep(compare([0.8 * ms for ms in ROUNDS], ROUNDS))

    page = client.get("/tuning/").content.decode()

    assert "2 Jan 2026, 03:04 UTC · done" in page
    assert "preload: on it gains p50 20 % less; off by default." in page
    row = "<td>8.04</td><td>10.05</td><td>0.80</td>"
    assert row in re.sub(r">\s+<", "><", page)
    assert "Mind: it was busy." in page
    assert "max-requests" not in page


def test_without_a_run_the_page_says_how_to_make_one(client, keep):
    page = client.get("/tuning/").content.decode()

    assert "manage.py tune" in page
    assert "on ÷ off" not in page
