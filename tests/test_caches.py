"""LabCache in front of real Redis, Valkey, Memcached and local memory."""

import copy
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import redis
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.cache import caches as django_caches
from django.core.cache.backends.locmem import LocMemCache
from pymemcache.exceptions import MemcacheClientError

from perflab import caches
from perflab.caches import keys, outages, using
from perflab.catalogue import registry
from perflab.measure.probe import probe
from tests import services
from tests.labs import ROOT

SERVERS = {"redis": "redis_server", "valkey": "valkey_server", "memcached": "memcached_server"}


@pytest.fixture(autouse=True)
def nothing_is_left_alone(monkeypatch):
    monkeypatch.setattr(outages, "left_alone_until", {})


@pytest.fixture
def slug(request):
    """An experiment of this test's own, so that it finds nothing of another's."""
    return f"{request.node.originalname[:40].replace('_', '-')}-{time.monotonic_ns()}"


@pytest.fixture
def configure(settings):
    """A function that names a server in the settings; it returns the alias."""

    def configure(server):
        alias = "memcached" if server.name == "memcached" else "redis"
        lab_caches = copy.deepcopy(settings.CACHES)
        lab_caches[alias]["LOCATION"] = server.url.removeprefix("memcached://")
        settings.CACHES = lab_caches
        return alias

    return configure


@pytest.fixture(params=["redis", "valkey", "memcached", "locmem"])
def backend(request, configure):
    """The alias of one backend after the other."""
    if request.param == "locmem":
        return "locmem"
    return configure(request.getfixturevalue(SERVERS[request.param]))


@pytest.fixture
def chosen(backend, slug):
    """The backend, chosen for all calls of the test."""
    with using(backend, slug, "fast"):
        yield backend


@pytest.fixture(
    params=[(services.Redis, False), (services.Redis, True)]
    + [(services.Memcached, False), (services.Memcached, True)],
    ids=["redis-socket", "redis-tcp", "memcached-socket", "memcached-tcp"],
)
def server(request, own, configure, slug):
    """A server for this test alone. `with server.page():` makes calls as one page does."""
    kind, tcp = request.param
    server = own(kind, tcp=tcp)
    server.alias = configure(server)
    server.page = lambda: using(server.alias, slug, "fast")
    with server.page():
        cache.set("there", "a value")
    return server


def seconds(work):
    started = time.monotonic()
    work()
    return time.monotonic() - started


def get_there(server):
    with server.page():
        return cache.get("there")


def set_and_get_there(server):
    with server.page():
        cache.set("there", "again")
        return cache.get("there")


def recovery(work, *args):
    """The seconds until it is answered."""
    return seconds(lambda: services.wait_until(lambda: work(*args), "recovery", 5))


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


def test_django_itself_makes_none_of_the_real_backends(chosen):
    cache.set("key", 1)

    # Else the debug toolbar, which wraps what Django makes, would show every call twice.
    assert [type(made) for made in django_caches.all(initialized_only=True)] == [caches.LabCache]


# It behaves as Django documents.

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


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_method_answers_as_djangos_own_local_memory_does(chosen, name):
    reference = LocMemCache(f"reference {time.monotonic_ns()}", {})

    assert outcome(OPERATIONS[name], cache) == outcome(OPERATIONS[name], reference)


def test_a_value_is_gone_when_its_time_is_over(chosen):
    cache.set("key", 1, timeout=1)
    there = cache.get("key")
    time.sleep(1.1)

    assert (there, cache.get("key")) == (1, None)


def test_incrementing_a_text_is_the_callers_mistake(chosen):
    cache.set("text", "x")

    with pytest.raises((TypeError, MemcacheClientError)):
        cache.incr("text")

    assert not caches.down(chosen)


# It counts.

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
    with probe() as measurement:
        cache.get_or_set("key", lambda: time.sleep(0.1))

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


# It isolates.


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
            assert len(scope.key("")) < 100


# It gives up quickly.


def test_a_frozen_server_costs_one_short_timeout(server):
    server.freeze()

    with probe() as measurement, server.page():
        answers = [cache.get("there", "absent") for _ in range(20)]

    assert answers == ["absent"] * 20
    assert (measurement.calls, measurement.errors, measurement.misses) == (20, 20, 0)
    assert 0.15 < measurement.total_ms / 1000 < 0.4
    assert caches.down(server.alias)

    server.thaw()
    assert recovery(get_there, server) < 1


def test_a_page_that_takes_its_time_waits_for_a_frozen_server_only_once(server):
    server.freeze()

    with probe() as measurement, server.page():
        cache.get("there")
        time.sleep(0.55)
        assert not caches.down(server.alias)
        cache.set("there", 1)

    assert measurement.cache_ms < 300
    assert measurement.errors == 2


def test_a_dead_server_costs_nothing_and_is_found_again_when_it_is_back(server):
    server.kill()

    with probe() as measurement, server.page():
        assert [cache.get("there") for _ in range(20)] == [None] * 20

    assert (measurement.errors, measurement.misses) == (20, 0)
    assert measurement.total_ms < 100

    server.start()
    assert recovery(set_and_get_there, server) < 1


def test_without_a_server_every_method_answers_as_if_nothing_were_there(server):
    server.kill()

    with server.page():
        assert cache.get("there") is None
        assert cache.get("there", 5) == 5
        assert cache.get_many(["there"]) == {}
        assert cache.get_or_set("there", lambda: "made") == "made"
        assert cache.get_or_set("there", "given") == "given"
        assert cache.set("there", 1) is None
        assert cache.set_many({"there": 1}) == ["there"]
        assert cache.delete_many(["there"]) is None
        for answer in (cache.add("a", 1), cache.touch("there"), cache.delete("there")):
            assert answer is False
        assert cache.has_key("there") is False
        assert "there" not in cache
        for method in (cache.incr, cache.decr, cache.incr_version, cache.decr_version):
            with pytest.raises(ValueError, match="there"):
                method("there")
        assert async_to_sync(cache.aget)("there", 5) == 5
        assert async_to_sync(cache.aget_or_set)("there", 5) == 5


def test_get_or_set_makes_its_value_once_however_the_server_fails(server):
    made = []
    server.kill()
    with server.page():
        cache.get_or_set("key", lambda: made.append("before the server answered"))
    assert len(made) == 1

    server.start()
    outages.left_alone_until.clear()
    with probe() as measurement, server.page():
        value = cache.get_or_set("key", lambda: made.append("then it died") or server.kill() or 7)

    assert value == 7
    assert len(made) == 2
    assert (measurement.calls, measurement.misses, measurement.errors) == (1, 0, 1)


def test_what_fails_is_left_alone_for_half_a_second(server):
    server.kill()
    get_there(server)
    server.start()

    failed_at = time.monotonic()
    while caches.down(server.alias):
        assert get_there(server) is None
        time.sleep(0.01)

    assert 0.3 < time.monotonic() - failed_at < 0.6
    assert caches.ping(server.alias)


def test_one_asks_again_while_the_others_go_without(server):
    server.freeze()
    get_there(server)
    time.sleep(0.55)
    together = threading.Barrier(8)

    def ask(_):
        together.wait()
        return seconds(lambda: get_there(server))

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(ask, range(8)))

    assert len([wait for wait in waits if wait > 0.15]) == 1


def test_a_backend_that_is_away_does_not_take_the_others_with_it(server, slug):
    server.kill()
    get_there(server)

    with using("locmem", slug, "fast"):
        cache.set("key", 1)
        assert cache.get("key") == 1

    assert caches.down(server.alias)
    assert not caches.down("locmem")


def test_a_server_that_is_away_does_not_take_the_local_tier_with_it(server, slug):
    server.kill()

    with server.page(), probe() as measurement:
        assert cache.get("there") is None
        django_caches["local"].set("key", 1)
        assert django_caches["local"].get("key") == 1
        assert cache.get("there") is None

    assert (measurement.errors, measurement.hits) == (2, 1)


def test_ping_asks_the_server_itself_and_counts_nothing(server):
    with probe() as measurement:
        assert caches.ping(server.alias)
        server.kill()
        assert not caches.ping(server.alias)
        server.start()
        assert caches.ping(server.alias)
        server.freeze()
        assert 0.15 < seconds(lambda: caches.ping(server.alias)) < 0.4

    assert measurement.calls == 0


def test_a_restart_between_two_requests_goes_unnoticed(server):
    cache.close()  # as Django does after each request
    server.stop()
    server.start()

    with probe() as measurement:
        assert set_and_get_there(server) == "again"

    assert measurement.errors == 0


def test_a_value_too_large_for_memcached_is_an_error_and_leaves_no_old_one(memcached_server, slug):
    large = "x" * 2_000_000
    with using("memcached", slug, "fast"):
        for write in (lambda: cache.set("key", large), lambda: cache.set_many({"key": large})):
            cache.set("key", "old")

            with probe() as measurement:
                write()

            assert cache.get("key") is None
            assert (measurement.calls, measurement.errors) == (1, 1)
            assert not caches.down("memcached")
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
        assert not caches.down("redis")


def test_a_value_that_cannot_be_pickled_is_the_callers_bug_even_at_the_first_call_again(server):
    server.kill()
    get_there(server)
    server.start()
    time.sleep(0.55)

    with server.page(), pytest.raises(AttributeError, match="pickle"):
        cache.set("key", lambda: None)

    assert not caches.down(server.alias)
    assert set_and_get_there(server) == "again"
