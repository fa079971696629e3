"""Test stampede: how many compute a page when it expires under load."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from movies.experiments import stampede
from perflab.caches import using
from perflab.catalogue import registry
from tests.support.experiments import address_with_token

BURST = 6


class Collection:
    """What the stampede's views compute, without a database; it counts who computes it."""

    def __init__(self, during=lambda: time.sleep(0.05)):
        self.computed = 0
        self.during = during
        self.lock = threading.Lock()

    def __call__(self, rows):
        with self.lock:
            self.computed += 1
            number = self.computed
        self.during()
        return {"decades": [], "movies": [], "number": number}


@pytest.fixture(params=["locmem", pytest.param("redis", marks=pytest.mark.server)])
def ask(request, token, monkeypatch):
    """A function that asks so many times at once for a variant of `stampede`."""
    if request.param == "redis":
        request.getfixturevalue("redis_server")
    deadline = time.monotonic() + 60

    def render(request, template, context):
        return context["number"]

    def sleep(seconds):
        if time.monotonic() > deadline:  # else a mistake there would keep us for ever
            raise TimeoutError("still waiting for the lock")
        time.sleep(seconds)

    def one(variant):
        with using(request.param, "stampede", variant, token):
            return registry.get("stampede").variant(variant).view(RequestFactory().get("/"), 10)

    def ask(variant, times=1):
        with ThreadPoolExecutor(times) as pool:
            return sorted(pool.map(one, [variant] * times))

    monkeypatch.setattr(stampede, "render", render)
    monkeypatch.setattr(stampede, "sleep", sleep)
    ask.alias, ask.token = request.param, token
    return ask


def test_a_plain_cache_has_everybody_compute_what_is_missing(ask, monkeypatch):
    together = threading.Barrier(BURST)  # nobody is done before all of them are at it
    collection = Collection(during=lambda: together.wait(60))
    monkeypatch.setattr(stampede, "collection", collection)

    ask("plain", BURST)

    assert collection.computed == BURST


def test_with_a_lock_one_computes_and_the_others_are_shown_the_same(ask, monkeypatch):
    collection = Collection()
    monkeypatch.setattr(stampede, "collection", collection)

    assert ask("locked", BURST) == [1] * BURST
    assert collection.computed == 1


def test_with_a_stale_copy_nobody_waits_for_the_one_who_computes(ask, monkeypatch):
    served = threading.Semaphore(0)
    collection = Collection(during=lambda: None)
    monkeypatch.setattr(stampede, "collection", collection)
    ask("stale")
    with using(ask.alias, "stampede", "stale", ask.token):
        cache.delete("collection:10:fresh")  # as it expires

    def until_the_others_are_served():
        assert all(served.acquire(timeout=60) for _ in range(BURST - 1))

    collection.during = until_the_others_are_served
    with ThreadPoolExecutor(BURST) as pool:
        asked = [pool.submit(ask, "stale") for _ in range(BURST)]
        for future in asked:
            future.add_done_callback(lambda _: served.release())
        shown = sorted(future.result()[0] for future in asked)

    assert shown == [1] * (BURST - 1) + [2]
    assert ask("stale") == [2]
    assert collection.computed == 2


@pytest.mark.long
def test_a_lock_whose_holder_has_died_expires(ask, monkeypatch):
    collection = Collection()
    monkeypatch.setattr(stampede, "collection", collection)
    with using(ask.alias, "stampede", "locked", ask.token):
        cache.add("collection:10:lock", True, 1)

    assert ask("locked", BURST) == [1] * BURST
    assert collection.computed == 1


def test_who_gets_the_lock_looks_again_before_computing(ask, monkeypatch, faulty_cache):
    collection = Collection()
    monkeypatch.setattr(stampede, "collection", collection)

    def finish_meanwhile(call):
        made = {"decades": [], "movies": [], "number": 0}
        call.real("set", call.key.removesuffix(":lock"), made, 60)
        return call.pass_on()

    faulty_cache.when("add", key=":lock", then=finish_meanwhile)

    assert ask("locked") == [0]
    assert collection.computed == 0


def test_who_just_missed_the_end_of_a_lock_takes_the_next_before_computing(
    ask, monkeypatch, faulty_cache
):
    locks = []
    collection = Collection(during=lambda: locks.append(cache.get("collection:10:lock")))
    monkeypatch.setattr(stampede, "collection", collection)
    held_by_another = [True]

    def expire_when_looked_at(call):
        held_by_another.clear()
        return call.pass_on()

    faulty_cache.when(
        "add", key=":lock", then=lambda call: False if held_by_another else call.pass_on()
    )
    faulty_cache.when("get", key=":lock", then=expire_when_looked_at)

    assert ask("locked") == [1]
    assert locks == [True]


def test_a_lock_has_a_time_out(ask, monkeypatch, faulty_cache):
    monkeypatch.setattr(stampede, "collection", Collection())

    ask("locked")
    ask("stale")

    # A call of add takes the key, the value and the time-out.
    added = [call for call in faulty_cache.calls if call.method == "add"]
    set_for = {call.key.rpartition(":")[2]: call.args[2] for call in added}
    assert set_for["lock"] == set_for["fresh"] == stampede.LOCK_S


def test_a_computation_that_fails_gives_its_lock_back(ask, monkeypatch):
    def fail():
        raise ZeroDivisionError

    monkeypatch.setattr(stampede, "collection", Collection(during=fail))
    with pytest.raises(ZeroDivisionError):
        ask("locked")
    collection = Collection()
    monkeypatch.setattr(stampede, "collection", collection)

    assert ask("locked") == [1]


@pytest.mark.parametrize("variant", ["locked", "stale"])
def test_nobody_waits_for_ever_when_the_cache_is_away(ask, variant, monkeypatch, faulty_cache):
    faulty_cache.go_away()
    collection = Collection()
    monkeypatch.setattr(stampede, "collection", collection)

    assert ask(variant, BURST) == list(range(1, BURST + 1))


def test_one_of_all_workers_computes_what_has_expired(lab, token):
    def burst(variant):
        with ThreadPoolExecutor(BURST) as pool:
            pages = [address_with_token("stampede", variant, token)] * BURST
            timings = [page.timing for page in pool.map(lab.get, pages)]
        return sum(timing["queries"] > 0 for timing in timings)

    lab.get(address_with_token("stampede", "stale", token))
    locked_and_empty = burst("locked")
    time.sleep(stampede.FRESH_S + 0.1)

    assert locked_and_empty == 1
    assert burst("locked") == 1
    assert burst("stale") == 1
