"""Test that variants, experiments, backends and cold runs share no key, and what a flush does."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import redis
from django.core.cache import cache
from django.core.cache import caches as django_caches

from perflab import caches
from perflab.caches import keys, using
from perflab.catalogue import registry
from perflab.measure.probe import probe
from tests.support import services
from tests.support.labs import ROOT


def test_neither_variants_nor_experiments_nor_backends_share_a_key(backend, slug):
    scopes = [(slug, "slow"), (slug, "fast"), (f"{slug}-two", "slow"), ("", "")]
    for scope in scopes:
        with using(backend, *scope):
            before = cache.get("key")
            cache.set("key", scope)
        assert before is None or scope == ("", "")

    for scope in scopes:
        with using(backend, *scope):
            assert cache.get("key") == scope


def test_a_cold_runs_token_neither_finds_nor_leaves_anything_for_others(backend, slug):
    for token in ("", "a1", "b2"):
        with using(backend, slug, "fast", token):
            assert cache.get("key") is None
            cache.set("key", token)

    for token in ("", "a1", "b2"):
        with using(backend, slug, "fast", token):
            assert cache.get("key") == token
    caches.flush(slug)  # a story goes on with its own entries, whoever flushes meanwhile
    with using(backend, slug, "fast", "a1"):
        assert cache.get("key") == "a1"


def test_a_flush_empties_one_experiment_and_leaves_the_others(backend, slug):
    for experiment in (slug, f"{slug}-two"):
        for variant in ("slow", "fast"):
            with using(backend, experiment, variant):
                cache.set("key", 1)

    caches.flush(slug)

    for variant in ("slow", "fast"):
        with using(backend, slug, variant):
            assert cache.get("key") is None
        with using(backend, f"{slug}-two", variant):
            assert cache.get("key") == 1


def test_a_flush_asks_no_server_and_leaves_what_is_not_the_labs(own_redis, configure, slug):
    server = redis.from_url(own_redis.url)
    server.set("somebody else's", 1)
    with using(configure(own_redis), slug, "fast"):
        cache.set("key", 1)
    before = server.info("stats")["total_commands_processed"]

    caches.flush(slug)

    assert server.info("stats")["total_commands_processed"] == before + 1  # this very question
    assert server.get("somebody else's") == b"1"


ANOTHER_PROCESS = """
import sys, django
django.setup()
from django.core.cache import cache
from django.core.cache import caches as django_caches
from perflab.caches import flush, using
for line in sys.stdin:
    if line == "flush\\n":
        flush(sys.argv[1])
    with using("redis", sys.argv[1], "fast"):
        print(cache.get("key"), flush=True)
"""


def test_a_flush_reaches_another_process_and_comes_from_one(redis_server, slug):
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS, slug],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=services.tie_to_parent(),
    ) as another:

        def tell(message):
            print(message, file=another.stdin, flush=True)
            return another.stdout.readline().strip()

        def write(value):
            with using("redis", slug, "fast"):
                cache.set("key", value)

        write(1)
        assert tell("read") == "1"
        caches.flush(slug)
        assert tell("read") == "None"

        write(2)
        assert tell("read") == "2"
        assert tell("flush") == "None"
        with using("redis", slug, "fast"):
            assert cache.get("key") is None
        another.stdin.close()


def generations(slug, flushes):
    seen = []
    for _ in range(flushes):
        caches.flush(slug)
        seen.append(keys.generation(slug))
    return seen


def test_every_flush_raises_the_generation_while_the_clock_stands(slug, monkeypatch):
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)

    seen = generations(slug, 20)

    assert sorted(set(seen)) == seen


def test_every_flush_raises_the_generation_where_files_keep_whole_seconds(slug, monkeypatch):
    utime = os.utime

    def coarse(path, ns):
        utime(path, ns=tuple(time // 10**9 * 10**9 for time in ns))

    monkeypatch.setattr(os, "utime", coarse)

    seen = generations(slug, 3)

    assert sorted(set(seen)) == seen


def test_flushes_at_once_never_lower_the_generation(slug, monkeypatch):
    utime = os.utime
    lowered = []

    def late(path, ns):
        time.sleep(0.005)  # while others flush too
        lowered.append(ns[0] <= os.stat(path).st_mtime_ns)
        utime(path, ns=ns)

    monkeypatch.setattr(os, "utime", late)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: generations(slug, 5), range(4)))

    assert lowered == [False] * 20


def test_a_request_keeps_its_generation_to_its_end(redis_server, slug):
    with using("redis", slug, "fast"):
        cache.set("key", 1)
        caches.flush(slug)
        assert cache.get("key") == 1


def test_the_local_tier_is_local_memory_whatever_the_request_chooses(backend, slug):
    local = django_caches["local"]
    with using(backend, slug, "fast"):
        local.set("key", "near")
        assert cache.get("key") is None  # nor does one backend in front of itself mix them up
        cache.set("key", "shared")
        with probe() as measurement:
            assert local.get("key") == "near"

        assert cache.get("key") == "shared"
    with using("locmem", slug, "fast"):
        assert local.get("key") == "near"
    assert measurement.cache_backend == "locmem"
    assert (measurement.calls, measurement.hits) == (1, 1)


def test_the_local_tier_is_a_variants_own_and_is_flushed_with_it(slug):
    local = django_caches["local"]
    with using("redis", slug, "fast"):
        local.set("key", 1)
    for others in ((slug, "slow"), (f"{slug}-2", "fast"), (slug, "fast", "cold")):
        with using("redis", *others):
            assert local.get("key") is None
    with using("redis", slug, "fast"):
        assert local.get("key") == 1

    caches.flush(slug)

    with using("redis", slug, "fast"):
        assert local.get("key") is None


def test_the_keys_of_every_experiment_leave_room_for_djangos_own():
    for experiment in registry.experiments.values():
        for variant in experiment.variants:
            names = experiment.slug, variant.name
            scope = caches.Scope("memcached", *names, time.time_ns(), token="t" * 32)
            assert len(scope.full_key("")) < 100
