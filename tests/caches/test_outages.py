"""Test that LabCache gives up quickly on a server that is frozen or gone, and finds it again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.core.cache import caches as django_caches

from perflab import caches
from perflab.caches import outages, using
from perflab.measure.probe import probe
from tests.support import services
from tests.support.services import undisturbed


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
    return seconds(lambda: services.wait_until(lambda: work(*args), "recovery"))


def test_a_frozen_server_costs_one_short_timeout(server):
    def freeze_and_thaw():
        server.freeze()

        with probe() as measurement, server.page():
            answers = [cache.get("there", "absent") for _ in range(20)]

        assert answers == ["absent"] * 20
        assert (measurement.calls, measurement.errors, measurement.misses) == (20, 20, 0)
        server.thaw()
        return (
            measurement.total_ms / 1000,
            caches.is_down(server.alias),
            recovery(get_there, server),
        )

    cost, was_down, until_it_is_back = undisturbed(
        freeze_and_thaw, lambda found: found[0] < 0.4 and found[1] and found[2] < 1
    )

    assert 0.15 < cost < 0.4
    assert was_down
    assert until_it_is_back < 1


def test_a_page_that_takes_its_time_waits_for_a_frozen_server_only_once(server):
    server.freeze()

    def visit():
        outages.retry_at.clear()  # it is asked again
        with probe() as measurement, server.page():
            cache.get("there")
            time.sleep(0.55)
            assert not caches.is_down(server.alias)
            cache.set("there", 1)
        return measurement

    measurement = undisturbed(visit, lambda found: found.cache_ms < 300)

    assert measurement.cache_ms < 300
    assert measurement.errors == 2


def test_a_dead_server_costs_nothing_and_is_found_again_when_it_is_back(server):
    def kill_and_start():
        server.kill()

        with probe() as measurement, server.page():
            assert [cache.get("there") for _ in range(20)] == [None] * 20

        assert (measurement.errors, measurement.misses) == (20, 0)
        server.start()
        return measurement.total_ms, recovery(set_and_get_there, server)

    cost_ms, until_it_is_back = undisturbed(
        kill_and_start, lambda found: found[0] < 100 and found[1] < 1
    )

    assert cost_ms < 100
    assert until_it_is_back < 1


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
    outages.retry_at.clear()
    with probe() as measurement, server.page():
        value = cache.get_or_set("key", lambda: made.append("then it died") or server.kill() or 7)

    assert value == 7
    assert len(made) == 2
    assert (measurement.calls, measurement.misses, measurement.errors) == (1, 0, 1)


def test_what_fails_is_left_alone_for_half_a_second(server):
    def time_away():
        server.kill()
        get_there(server)
        failed_at = time.monotonic()
        server.start()
        while caches.is_down(server.alias):
            assert get_there(server) is None
            time.sleep(0.01)
        return time.monotonic() - failed_at

    assert 0.3 < undisturbed(time_away, lambda found: found < 0.6) < 0.6
    assert caches.ping(server.alias) == "up"


def test_one_asks_again_while_the_others_go_without(server):
    server.freeze()
    get_there(server)
    together = threading.Barrier(8)

    def ask(_):
        together.wait()
        return seconds(lambda: get_there(server))

    def who_waits():
        time.sleep(0.55)  # it is asked again
        with ThreadPoolExecutor(8) as pool:
            return [wait for wait in pool.map(ask, range(8)) if wait > 0.15]

    assert len(undisturbed(who_waits, lambda waits: len(waits) == 1)) == 1


def test_a_backend_that_is_away_does_not_take_the_others_with_it(server, slug):
    server.kill()
    get_there(server)

    with using("locmem", slug, "fast"):
        cache.set("key", 1)
        assert cache.get("key") == 1

    assert caches.is_down(server.alias)
    assert not caches.is_down("locmem")


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
        assert caches.ping(server.alias) == "up"
        server.kill()
        assert caches.ping(server.alias) == "down"
        server.start()
        assert caches.ping(server.alias) == "up"
        server.freeze()
        waited = undisturbed(
            lambda: seconds(lambda: caches.ping(server.alias)), lambda found: found < 0.4
        )
        assert 0.15 < waited < 0.4

    assert measurement.calls == 0


def test_a_restart_between_two_requests_goes_unnoticed(server):
    cache.close()  # as Django does after each request
    server.stop()
    server.start()

    with probe() as measurement:
        assert set_and_get_there(server) == "again"

    assert measurement.errors == 0


def test_a_value_that_cannot_be_pickled_is_the_callers_bug_even_at_the_first_call_again(server):
    server.kill()
    get_there(server)
    server.start()
    time.sleep(0.55)

    with server.page(), pytest.raises(AttributeError, match="pickle"):
        cache.set("key", lambda: None)

    assert not caches.is_down(server.alias)
    assert set_and_get_there(server) == "again"
