"""Test the lab beside a bare Django, each served by a real Gunicorn."""

import random
import shutil

import pytest

from perflab.load.overhead import served
from perflab.load.plan import LoadRefused

BARE = "/experiments/two-tier/bare/"


@pytest.fixture
def lab_environment(lab, monkeypatch):
    """The environment of the lab that tests share, so that another one can be started beside it."""
    for name in ("PERFLAB_VAR", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, lab.environment[name])


@pytest.mark.parametrize("has_wrk", [True, False])
def test_the_lab_and_a_bare_django_are_measured_in_turn(lab_environment, monkeypatch, has_wrk):
    if has_wrk and not shutil.which("wrk"):
        pytest.skip("wrk is not installed")
    if not has_wrk:
        monkeypatch.setattr(served.shutil, "which", lambda name: None)
    rounds = []

    servers = served.compare(BARE, 2, 0.5, lambda: rounds.append(1))

    assert [server.name for server in servers] == [
        "bare Django",
        "the lab",
        "the lab without its toolbar",
    ]
    assert len(rounds) == 2
    for server in servers:
        assert len(server.rates) == len(server.cpu_us) == 2
        assert min(server.rates) > 1
        assert min(server.cpu_us) > 10
        assert server.process.poll() is not None  # it has ended
    assert served.rate_ratio(servers[0], servers[0]) == 1
    assert served.added_share(servers[0], servers[0]) == 0


def test_ratios_are_those_of_neighbours():
    one, bare = (make_server() for _ in range(2))
    bare.rates, bare.cpu_us = [100, 200, 400], [300, 400, 500]
    one.rates, one.cpu_us = [50, 160, 360], [330, 440, 700]

    assert served.rate_ratio(one, bare) == 0.8
    assert served.added_share(one, bare) == pytest.approx(0.1)


def test_the_interval_holds_the_true_share_in_nineteen_of_twenty_measurements():
    chance = random.Random(1)
    held = 0
    for _ in range(1000):
        one, bare = (make_server() for _ in range(2))
        bare.cpu_us = [400 * chance.lognormvariate(0, 0.2) for _ in range(12)]
        one.cpu_us = [440 * chance.lognormvariate(0, 0.2) for _ in range(12)]
        low, high = served.added_interval(one, bare)
        held += low <= 0.1 <= high

    assert held >= 950


def make_server():
    return served.Server("one", "/", [], {}, None, None)


def test_a_page_that_is_not_ok_is_no_bare_page(lab_environment):
    with pytest.raises(LoadRefused, match="the lab answers 404 at /no/such/page/"):
        served.compare("/no/such/page/", 1)


def test_a_server_that_does_not_start_is_told_with_its_last_lines(lab_environment, monkeypatch):
    monkeypatch.setenv("PERFLAB_TOOLBAR", "1")
    monkeypatch.setenv("DATABASE_URL", "oracle://nowhere/")

    with pytest.raises(LoadRefused, match="the lab does not start: .*DATABASE_URL"):
        served.compare(BARE, 1)
