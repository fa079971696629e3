"""Test low-level-cache: what time-outs and a default for `get` do in Django's own caches."""

import time

import pytest
from django.core.cache.backends import locmem

MISSING = object()


@pytest.fixture
def cache(request):
    return locmem.LocMemCache(request.node.name, {})


def test_a_result_that_is_none_needs_a_default_that_no_result_can_be(cache):
    cache.set("none", None, 60)

    assert cache.get("none") is None
    assert cache.get("none", MISSING) is None
    assert cache.get("never-set", MISSING) is MISSING


@pytest.mark.parametrize(
    ("timeout", "kept_s"), [((), 299), ((None,), 10**9), ((0,), None), ((60,), 59)]
)
def test_a_time_out_is_300_seconds_if_nobody_says_more(cache, monkeypatch, timeout, kept_s):
    now = time.time()

    def look_after(seconds):
        monkeypatch.setattr(locmem.time, "time", lambda: now + seconds)
        return cache.get("statistic")

    cache.set("statistic", "a figure", *timeout)

    if kept_s is None:
        assert look_after(0) is None
        return
    assert look_after(kept_s) == "a figure"
    assert timeout == (None,) or look_after(kept_s + 2) is None
