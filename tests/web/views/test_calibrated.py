"""Test the calibrated pages, which wait or compute for a given time."""

import re
from statistics import median

import pytest
from django.test import Client

from perflab.web import calibrated
from tests.support.figures import timing
from tests.support.services import undisturbed


@pytest.fixture
def client():
    return Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")


def test_the_page_that_waits_takes_its_worker_and_no_core(client):
    timings = [timing(client.get("/io-bound/?ms=50")) for _ in range(3)]

    assert min(one["total"] for one in timings) >= 50
    assert median(one["cpu"] for one in timings) < 25


def test_the_page_that_computes_takes_the_cpu_time_that_was_asked_for(client):
    for ms in (10, 50, 100):
        measured = undisturbed(
            lambda ms=ms: [calibrated.measure(calibrated.compute, ms) for _ in range(5)],
            lambda found, ms=ms: median(cpu for _, _, cpu in found) <= ms * 1.1,
        )

        assert all(rounds > 0 for rounds, _, _ in measured)
        assert ms <= median(cpu for _, _, cpu in measured) <= ms * 1.1
    page = client.get("/cpu-bound/?ms=50")
    shown = re.search(rb"CPU time of this thread: ([\d.]+) ms", page.content)
    assert 50 <= float(shown[1]) <= timing(page)["cpu"]


def test_the_rounds_that_are_returned_have_been_computed(monkeypatch):
    computed, run_rounds = [], calibrated.run_rounds
    calibrated.count_slice_rounds()
    monkeypatch.setattr(
        calibrated, "run_rounds", lambda rounds: computed.append(rounds) or run_rounds(rounds)
    )

    rounds = calibrated.compute(20)

    assert rounds == sum(computed) > 0
    assert run_rounds(3) == (0 * 31 + 1) * 31 + 2


@pytest.mark.parametrize("path", ["/io-bound/", "/cpu-bound/"])
def test_a_calibrated_page_can_be_read_by_a_scenario(client, path):
    default, nothing = client.get(path), client.get(f"{path}?ms=0")

    for response, ms in ((default, 50), (nothing, 0)):
        page = response.content.decode()
        assert response.status_code == 200
        assert page.count("<h1>") == 1
        assert f"<li>requested: {ms} ms" in page
        assert timing(response)["queries"] == 0


@pytest.mark.parametrize("path", ["/io-bound/", "/cpu-bound/"])
@pytest.mark.parametrize("ms", ["1001", "-1", "0.5", "abc", "", "9" * 5000])
def test_a_calibrated_page_refuses_a_bad_time_before_it_begins(client, monkeypatch, path, ms):
    monkeypatch.delattr(calibrated, "measure")

    response = client.get(f"{path}?ms={ms}")

    assert response.status_code == 400
    assert "ms must be a whole number from 0 to 1,000" in response.content.decode()


def test_a_public_lab_waits_and_computes_less(client, settings):
    settings.MAX_WORK_MS = 200

    assert client.get("/cpu-bound/?ms=200").status_code == 200
    assert client.get("/cpu-bound/?ms=201").status_code == 400
    assert client.post("/cpu-bound/?ms=1").status_code == 405
