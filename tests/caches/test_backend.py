"""Test that LabCache chooses its backend, behaves as Django documents, and counts its calls."""

import os
import re
import shutil
import time
from contextlib import suppress
from contextvars import Context

import pytest
import redis
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.cache import caches as django_caches
from django.core.cache.backends.locmem import LocMemCache
from pymemcache.exceptions import MemcacheClientError

from perflab import caches
from perflab.caches import using
from perflab.measure.probe import probe
from tests.support.services import undisturbed


@pytest.mark.usefixtures("may_start_servers")
def test_these_tests_have_a_folder_and_every_cache_of_their_own(settings):
    """In each of the processes among which they are shared."""
    assert settings.VAR.samefile(os.environ["PERFLAB_VAR"])
    assert ("redis" in settings.LAB_CACHES) == bool(shutil.which("redis-server"))
    assert ("memcached" in settings.LAB_CACHES) == bool(shutil.which("memcached"))


# It chooses.


def test_the_first_configured_backend_answers_where_none_is_chosen(redis_server):
    caches.flush("")

    with probe() as measurement:
        cache.set("key", 1)

    assert measurement.cache_backend == "redis"


def test_a_value_lies_in_the_chosen_backend_and_in_no_other(redis_server, memcached_server, slug):
    with using("memcached", slug, "fast"):
        cache.set("key", "in memcached")
    with using("redis", slug, "fast"):
        before = cache.get("key")
        cache.set("key", "in redis")
    with using("locmem", slug, "fast"):
        assert cache.get("key") is None
    with using("memcached", slug, "fast"):
        assert cache.get("key") == "in memcached"

    assert before is None
    [key] = redis.from_url(redis_server.url).keys(f"*{slug}*")
    assert re.fullmatch(f"perflab:1:{slug}:fast:[0-9a-f]+:.*key", key.decode())


def test_django_itself_makes_none_of_the_real_backends(backend, slug):
    def types_made():
        with using(backend, slug, "fast"):
            cache.set("key", 1)
        return [type(made) for made in django_caches.all(initialized_only=True)]

    # Else the debug toolbar, which wraps what Django makes, would show every call twice. A context
    # of its own holds no cache that other tests have made.
    assert Context().run(types_made) == [caches.LabCache]


OPERATIONS = {
    "set": lambda c: [c.set("k", [1, {"a": None}]), c.get("k")],
    "get missing": lambda c: [c.get("k"), c.get("k", "default")],
    "get stored none": lambda c: [c.set("k", None), c.get("k", "default"), "k" in c],
    "add": lambda c: [c.add("k", 1), c.add("k", 2), c.get("k")],
    "touch": lambda c: [c.touch("k"), c.set("k", 1), c.touch("k", 60), c.touch("k", None)],
    "touch zero": lambda c: [c.set("k", 1), c.touch("k", 0), c.get("k")],
    "delete": lambda c: [c.delete("k"), c.set("k", 1), c.delete("k"), c.get("k")],
    "has_key": lambda c: [c.has_key("k"), "k" in c, c.set("k", 0), c.has_key("k"), "k" in c],
    "many": lambda c: [
        c.set_many({"a": 1, "b": None}),
        c.get_many(["a", "b", "c"]),
        c.get_many(iter("ab")),
        c.delete_many(iter(["a", "c"])),
        c.get_many(["a", "b"]),
    ],
    "many of none": lambda c: [c.set_many({}), c.get_many([]), c.delete_many([])],
    "set_many timeout": lambda c: [c.set_many({"a": 1}, 0), c.get("a")],
    "get_or_set": lambda c: [c.get_or_set("k", 1), c.get_or_set("k", 2), c.get("k")],
    "get_or_set callable": lambda c: [c.get_or_set("k", lambda: 1), c.get_or_set("k", lambda: 2)],
    "get_or_set none": lambda c: [c.get_or_set("k", None), "k" in c, c.get_or_set("k", 1)],
    "get_or_set timeout": lambda c: [c.get_or_set("k", 1, 0), c.get("k")],
    "incr": lambda c: [c.set("n", 5), c.incr("n"), c.incr("n", 4), c.decr("n", 2), c.get("n")],
    "incr missing": lambda c: c.incr("k"),
    "decr missing": lambda c: c.decr("k"),
    "incr_version": lambda c: [
        c.set("k", 1),
        c.incr_version("k"),
        c.get("k"),
        c.get("k", version=2),
        c.decr_version("k", version=2),
        c.get("k"),
    ],
    "incr_version missing": lambda c: c.incr_version("k"),
    "version": lambda c: [
        c.set("k", 1, version=2),
        c.get("k"),
        c.get_many(["k"], version=2),
        c.delete("k", version=1),
        c.has_key("k", version=2),
    ],
    "timeout none": lambda c: [c.set("k", 1, None), c.get("k")],
    "timeout zero": lambda c: [c.set("k", 1), c.set("k", 2, 0), c.get("k")],
    "timeout negative": lambda c: [c.set("k", 1, timeout=-1), c.get("k")],
    "clear": lambda c: [c.set("k", 1), c.clear(), c.get("k"), c.set("k", 2), c.get("k")],
    "keys of all kinds": lambda c: [c.set(5, "int"), c.set("ü", "uml"), c.get(5), c.get("ü")],
    "pickling": lambda c: c.set("k", lambda: None),
}


def outcome(operation, a_cache):
    try:
        return operation(a_cache)
    except Exception as error:
        return type(error)


# It behaves as Django documents.


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_method_answers_as_djangos_own_local_memory_does(chosen, name):
    reference = LocMemCache(f"reference {time.monotonic_ns()}", {})

    assert outcome(OPERATIONS[name], cache) == outcome(OPERATIONS[name], reference)


@pytest.mark.long
def test_a_value_is_gone_when_its_time_is_over(chosen):
    cache.set("key", 1, timeout=1)
    there = cache.get("key")
    time.sleep(1.1)

    assert (there, cache.get("key")) == (1, None)


def test_incrementing_a_text_is_the_callers_mistake(chosen):
    cache.set("text", "x")

    with pytest.raises((TypeError, MemcacheClientError)):
        cache.incr("text")

    assert not caches.is_down(chosen)


COUNTS = [
    # what is called, and the calls, hits and misses that it makes
    ("get", ("there",), (1, 1, 0)),
    ("get", ("absent",), (1, 0, 1)),
    ("get_many", (["there", "absent", "gone"],), (1, 1, 2)),
    ("has_key", ("there",), (1, 1, 0)),
    ("has_key", ("absent",), (1, 0, 1)),
    ("get_or_set", ("there", 2), (1, 1, 0)),
    ("get_or_set", ("absent", 2), (1, 0, 1)),
    ("set", ("absent", 2), (1, 0, 0)),
    ("set_many", ({"a": 1, "b": 2},), (1, 0, 0)),
    ("add", ("absent", 2), (1, 0, 0)),
    ("touch", ("there",), (1, 0, 0)),
    ("delete", ("there",), (1, 0, 0)),
    ("delete_many", (["there", "absent"],), (1, 0, 0)),
    ("incr", ("number",), (1, 0, 0)),
    ("decr", ("number",), (1, 0, 0)),
    ("incr_version", ("there",), (1, 0, 0)),
    ("decr_version", ("there",), (1, 0, 0)),
]


# It counts.


@pytest.mark.parametrize("prefix", ["", "a"], ids=["sync", "async"])
def test_a_call_counts_once_with_the_keys_that_it_read(chosen, prefix):
    counted = []
    for method, arguments, _ in COUNTS:
        cache.set_many({"there": 1, "number": 5})
        cache.delete_many(["absent", "a", "b"])
        work = getattr(cache, prefix + method)
        with probe() as m:
            (async_to_sync(work) if prefix else work)(*arguments)
        counted.append((method, arguments, (m.calls, m.hits, m.misses)))
        assert m.errors == 0
        assert m.cache_backend == chosen
        assert 0 < m.cache_ms < m.total_ms

    assert counted == COUNTS


def test_a_call_that_raises_counts_too(chosen):
    with probe() as measurement, pytest.raises(ValueError, match="not found"):
        cache.incr("absent")

    assert (measurement.calls, measurement.errors) == (1, 0)


def test_making_the_value_of_get_or_set_is_not_the_caches_time(chosen):
    def make():
        cache.delete("key")
        with probe() as measurement:
            cache.get_or_set("key", lambda: time.sleep(0.1))
        return measurement

    measurement = undisturbed(make, lambda found: found.cache_ms < 90)

    assert measurement.cache_ms < 90 < measurement.total_ms


def test_what_get_or_set_itself_reads_to_make_its_value_counts_apart(chosen):
    with probe() as measurement:
        cache.get_or_set("key", lambda: cache.get("other", 1))

    assert (measurement.calls, measurement.misses) == (2, 2)


def test_redis_sees_the_calls_that_are_counted(own_redis, configure, slug):
    with using(configure(own_redis), slug, "fast"):
        cache.get("warm up the connection")
        with redis.from_url(own_redis.url).monitor() as monitor:
            with probe() as measurement:
                cache.set("a", 1)
                cache.get("a")
                cache.get_many(["a", "b"])
                cache.delete("a")
            own_redis.stop()
            seen = []
            with suppress(redis.ConnectionError):
                while True:
                    seen.append(monitor.next_command()["command"].split()[0])

    assert seen == ["SET", "GET", "MGET", "DEL"]
    assert measurement.calls == 4


# It gives up quickly.


def test_a_value_too_large_for_memcached_is_an_error_and_leaves_no_old_one(memcached_server, slug):
    large = "x" * 2_000_000
    with using("memcached", slug, "fast"):
        for write in (lambda: cache.set("key", large), lambda: cache.set_many({"key": large})):
            cache.set("key", "old")

            with probe() as measurement:
                write()

            assert cache.get("key") is None
            assert (measurement.calls, measurement.errors) == (1, 1)
            assert not caches.is_down("memcached")
        assert cache.add("key", large) is False
        assert len(cache.get_or_set("key", large)) == 2_000_000


def test_a_redis_that_is_full_is_an_error_and_keeps_no_old_value(own_redis, configure, slug):
    with using(configure(own_redis), slug, "fast"):
        cache.set("key", "old")
        server = redis.from_url(own_redis.url)
        server.config_set("maxmemory-policy", "noeviction")
        server.config_set("maxmemory", "1")

        with probe() as measurement:
            cache.set("key", "new")

        assert measurement.errors == 1
        assert cache.get("key") is None
        assert cache.get_or_set("key", lambda: "made") == "made"
        assert not caches.is_down("redis")
