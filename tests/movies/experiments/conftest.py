"""Provide what tests of several experiments need: cold caches, a clock, a changed film."""

import time

import pytest
from django.core.cache.backends import locmem

from tests.support.caches import FaultyCache
from tests.support.experiments import address_with_token, read_answer


@pytest.fixture
def token():
    """Of a cold run: with it a test finds every cache empty."""
    return f"t{time.monotonic_ns()}"


@pytest.fixture
def later(monkeypatch):
    """A function that puts local memory's clock forward by some seconds."""

    def later(seconds):
        now = time.time
        monkeypatch.setattr(locmem, "time", type("clock", (), {"time": lambda: now() + seconds}))

    return later


@pytest.fixture
def faulty_cache(monkeypatch):
    """The backends' calls, recorded, and faults between them and LabCache."""
    return FaultyCache(monkeypatch)


@pytest.fixture
def play(client, token, commits_at_once):
    """A function that asks for a variant of an experiment, changes the film, and asks again."""

    def play(slug, variant):
        page = address_with_token(slug, variant, token, cache="locmem")
        before = read_answer(client.get(page))
        assert client.post(page.replace("?", "change/?")).status_code == 204
        return before, read_answer(client.get(page)), lambda: read_answer(client.get(page))

    return play
