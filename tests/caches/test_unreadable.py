"""Test what happens to values that cannot be unpickled, and where a Redis refuses the lab."""

import json
import pickle

import pytest
import redis
from django.core.cache import cache

from perflab import caches
from perflab.caches import using
from perflab.measure.probe import probe
from tests.support import services

ERRORS = (pickle.UnpicklingError, AttributeError, ImportError, EOFError, ValueError, TypeError)


def explode(kind):
    raise kind("as a damaged value does")


class Damaged:
    """A value whose pickle raises this kind of error when it is read."""

    def __init__(self, kind):
        self.kind = kind

    def __reduce__(self):
        return explode, (self.kind,)


@pytest.fixture(params=["file", "database"])
def uncommon(request, slug, db):
    with using(request.param, slug, "fast"):
        yield request.param


def check_unreadable_value(kind):
    cache.set("bad", Damaged(kind))
    with probe() as first:
        assert cache.get("bad", "default") == "default"
    with probe() as second:
        assert cache.get("bad") is None
    cache.set("bad", Damaged(kind))
    assert cache.get_or_set("bad", lambda: "new") == "new"
    assert cache.get("bad") == "new"
    cache.set_many({"bad": Damaged(kind), "good": 1})
    with probe() as many:
        assert cache.get_many(["bad", "good", "none"]) == {"good": 1}

    assert (first.calls, first.hits, first.misses, first.errors) == (1, 0, 1, 1)
    assert first.cache_trouble == "unreadable"
    assert (second.hits, second.misses, second.errors) == (0, 1, 0)  # it was deleted
    assert (many.calls, many.hits, many.misses, many.errors) == (1, 1, 2, 1)


@pytest.mark.parametrize("kind", ERRORS)
def test_a_value_that_cannot_be_read_is_a_miss_and_an_error(chosen, kind):
    check_unreadable_value(kind)


@pytest.mark.parametrize("kind", [pickle.UnpicklingError, ValueError])
def test_so_it_is_in_the_caches_that_no_knob_offers(uncommon, kind):
    check_unreadable_value(kind)


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"\x80\x05.", b"\x80\x05cnowhere\nGone\n."])
def test_garbage_in_redis_costs_no_page(start_lab, own_redis, garbage):
    lab = start_lab(workers=1, REDIS_URL=own_redis.url)
    path = "/experiments/what-to-cache/site/?movies=5"
    page = "/experiments/low-level-cache/fast/?movies=5"
    for one in (path, page):
        lab.get(one)
    with redis.from_url(own_redis.url) as client:
        keys = client.keys("*")
        for key in keys:
            client.set(key, garbage)

    broken = [lab.get(one) for one in (path, page)]
    after = [lab.get(one) for one in (path, page)]

    assert len(keys) > 1
    for answer in broken:
        assert answer.status == 200
        assert answer.timing["errors"] > 0
        assert answer.timing["hits"] == 0
    for answer in after:
        assert (answer.status, answer.timing["errors"], answer.timing["misses"]) == (200, 0, 0)


def test_a_redis_that_wants_another_password_is_told_apart_from_a_silent_one(start_lab, own):
    server = own(services.Redis, tcp=True)
    lab = start_lab(workers=1, REDIS_URL=server.url)
    path = "/experiments/low-level-cache/fast/?movies=5"
    shown = {"Accept": "text/html"}
    lab.get(path)
    with redis.from_url(server.url) as client:
        client.config_set("requirepass", "new")
        for other in client.client_list():
            if other["id"] != str(client.client_id()):
                client.client_kill_filter(_id=other["id"])

    refusing = lab.get(path, shown)
    health = lab.get("/health/")
    server.freeze()
    try:
        services.wait_until(
            lambda: json.loads(lab.get("/health/").text)["caches"]["redis"] == "down", "silence"
        )
        silent = lab.get(path, shown)
    finally:
        server.thaw()

    assert refusing.status == silent.status == 200
    assert refusing.timing["errors"] > 0
    assert "The cache redis refuses, so this page" in " ".join(refusing.text.split())
    assert json.loads(health.text)["caches"]["redis"] == "refusing"
    assert json.loads(health.text)["status"] == "degraded"
    assert "The cache redis does not answer, so this page" in " ".join(silent.text.split())


def test_ping_names_the_three_states(own_redis, configure):
    alias = configure(own_redis)

    up = caches.ping(alias)
    with redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory", "1")
        client.config_set("maxmemory-policy", "noeviction")
    refusing = caches.ping(alias)
    own_redis.kill()
    down = caches.ping(alias)

    assert (up, refusing, down) == ("up", "refusing", "down")
