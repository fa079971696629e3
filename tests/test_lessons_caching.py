"""The lessons on caching that a number of queries does not tell: whose page, how many, how old."""

import runpy
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.core.cache.backends import locmem
from django.test import Client, RequestFactory
from django.urls import reverse

from movies.experiments import per_worker_cache, stampede
from movies.models import Movie, Tonight
from perflab.caches import LabCache, NoAnswer, using
from perflab.catalogue import registry
from perflab.measure import server_timing
from tests.services import wait_until

BURST = 6


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


def address(slug, variant, token, order="", **knobs):
    query = "&".join(f"{name}={value}" for name, value in {"cold": token, **knobs}.items())
    return f"/experiments/{slug}/{variant}/{order}?movies=10&{query}"


def told(response):
    """The text of the page's element with `data-answer`."""
    return response.content.decode().partition("data-answer>")[2].partition("<")[0]


def queries(response):
    return server_timing.load(response["Server-Timing"])["queries"]


# personal-page ---------------------------------------------------------------------------------


@pytest.fixture
def visit(client_of, token):
    """A function by which a visitor of this name asks for a variant of `personal-page`."""
    return lambda name, variant: client_of(name).get(address("personal-page", variant, token))


@pytest.fixture
def client_of():
    """A function that gives each visitor a browser of their own."""
    clients = {}

    def client_of(name):
        if name not in clients:
            clients[name] = Client()
            clients[name].post(reverse("visitor"), {"name": name})
        return clients[name]

    return client_of


@pytest.mark.django_db
def test_the_leaking_page_shows_bob_what_was_made_for_ada(visit):
    visit("Ada", "leaking")

    assert told(visit("Bob", "leaking")) == "Welcome, Ada."


@pytest.mark.django_db
@pytest.mark.parametrize("variant", ["uncached", "per-visitor", "fragment"])
def test_the_other_personal_pages_greet_everybody_by_their_own_name(visit, variant):
    greetings = [told(visit(name, variant)) for name in ("Ada", "Bob", "Ada", "Bob")]

    assert greetings == ["Welcome, Ada.", "Welcome, Bob."] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("variant", "first", "second"), [("uncached", 2, 2), ("per-visitor", 2, 0), ("fragment", 0, 0)]
)
def test_a_copy_for_each_visitor_is_paid_by_each_and_a_fragment_once(visit, variant, first, second):
    visit("Ada", variant)

    assert [queries(visit("Bob", variant)) for _ in range(2)] == [first, second]


# stampede --------------------------------------------------------------------------------------


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


@pytest.fixture(params=["locmem", "redis"])
def ask(request, token, monkeypatch):
    """A function that asks so many times at once for a variant of `stampede`."""
    if request.param == "redis":
        request.getfixturevalue("redis_server")
    deadline = time.monotonic() + 10

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
    collection = Collection(during=lambda: together.wait(20))
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
        assert all(served.acquire(timeout=20) for _ in range(BURST - 1))

    collection.during = until_the_others_are_served
    with ThreadPoolExecutor(BURST) as pool:
        asked = [pool.submit(ask, "stale") for _ in range(BURST)]
        for future in asked:
            future.add_done_callback(lambda _: served.release())
        shown = sorted(future.result()[0] for future in asked)

    assert shown == [1] * (BURST - 1) + [2]
    assert ask("stale") == [2]
    assert collection.computed == 2


def test_a_lock_whose_holder_has_died_expires(ask, monkeypatch):
    collection = Collection()
    monkeypatch.setattr(stampede, "collection", collection)
    with using(ask.alias, "stampede", "locked", ask.token):
        cache.add("collection:10:lock", True, 1)

    assert ask("locked", BURST) == [1] * BURST
    assert collection.computed == 1


def test_who_gets_the_lock_looks_again_before_computing(ask, monkeypatch):
    collection = Collection()
    monkeypatch.setattr(stampede, "collection", collection)
    real_ask = LabCache.ask

    def finished_meanwhile(self, alias, method, key, *args, **kwargs):
        if method == "add" and key.endswith(":lock"):
            made = {"decades": [], "movies": [], "number": 0}
            real_ask(self, alias, "set", key.removesuffix(":lock"), made, 60)
        return real_ask(self, alias, method, key, *args, **kwargs)

    monkeypatch.setattr(LabCache, "ask", finished_meanwhile)

    assert ask("locked") == [0]
    assert collection.computed == 0


def test_who_just_missed_the_end_of_a_lock_takes_the_next_before_computing(ask, monkeypatch):
    locks = []
    collection = Collection(during=lambda: locks.append(cache.get("collection:10:lock")))
    monkeypatch.setattr(stampede, "collection", collection)
    real_ask = LabCache.ask
    held_by_another = [True]

    def expires_when_looked_at(self, alias, method, key, *args, **kwargs):
        if method == "add" and key.endswith(":lock") and held_by_another:
            return False
        if method == "get" and key.endswith(":lock") and held_by_another:
            held_by_another.clear()
        return real_ask(self, alias, method, key, *args, **kwargs)

    monkeypatch.setattr(LabCache, "ask", expires_when_looked_at)

    assert ask("locked") == [1]
    assert locks == [True]


def test_a_lock_has_a_time_out(ask, monkeypatch):
    set_for = {}
    real_ask = LabCache.ask

    def noting(self, alias, method, key, *args, **kwargs):
        if method == "add":
            set_for[key.rpartition(":")[2]] = args[1]
        return real_ask(self, alias, method, key, *args, **kwargs)

    monkeypatch.setattr(LabCache, "ask", noting)
    monkeypatch.setattr(stampede, "collection", Collection())

    ask("locked")
    ask("stale")

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
def test_nobody_waits_for_ever_when_the_cache_is_away(ask, variant, monkeypatch):
    def away(self, *args, **kwargs):
        raise NoAnswer

    monkeypatch.setattr(LabCache, "ask", away)
    collection = Collection()
    monkeypatch.setattr(stampede, "collection", collection)

    assert ask(variant, BURST) == list(range(1, BURST + 1))


def test_one_of_all_workers_computes_what_has_expired(lab, token):
    def burst(variant):
        with ThreadPoolExecutor(BURST) as pool:
            pages = [address("stampede", variant, token)] * BURST
            timings = [page.timing for page in pool.map(lab.get, pages)]
        return sum(timing["queries"] > 0 for timing in timings)

    lab.get(address("stampede", "stale", token))
    locked_and_empty = burst("locked")
    time.sleep(stampede.FRESH_S + 0.1)

    assert locked_and_empty == 1
    assert burst("locked") == 1
    assert burst("stale") == 1


# stale-page ------------------------------------------------------------------------------------


@pytest.fixture
def play(client, token):
    """A function that asks for a variant of an experiment, changes the film, and asks again."""

    def play(slug, variant):
        page = address(slug, variant, token, cache="locmem")
        before = told(client.get(page))
        assert client.post(page.replace("?", "change/?")).status_code == 204
        return before, told(client.get(page)), lambda: told(client.get(page))

    return play


@pytest.mark.django_db
def test_a_time_out_shows_the_old_film_until_it_is_over(play, later):
    before, after, now = play("stale-page", "timeout")
    assert after == before

    later(seconds=2.1)

    assert now() != before


@pytest.mark.django_db
@pytest.mark.parametrize("variant", ["uncached", "versioned", "invalidated"])
def test_the_other_variants_show_the_new_film_at_once(play, variant):
    before, after, now = play("stale-page", variant)

    assert after != before
    assert now() == after


@pytest.mark.django_db
def test_the_film_of_the_evening_goes_round_the_collection():
    assert Tonight.now().film_id == 1
    Tonight.change()
    assert Tonight.now().film_id == 2

    Tonight.objects.update(film_id=Movie.objects.order_by("id").last().id)
    Tonight.change()

    assert Tonight.now().film_id == 1
    assert Tonight.now().changes == 2
    assert Tonight.objects.count() == 1


@pytest.mark.django_db
def test_without_a_film_the_cinema_is_closed(client, token):
    Movie.objects.all().delete()
    Tonight.change()

    for variant in registry.get("stale-page").variants:
        page = client.get(address("stale-page", variant.name, token))
        assert told(page) == "Closed: there is no film."


# per-worker-cache ------------------------------------------------------------------------------


def misses_by_worker(lab, page):
    """How often each worker computed the page, once both have answered at least twice."""
    answers, computed = Counter(), Counter()

    def asked():
        timing = lab.get(page).timing
        answers[timing["worker"]] += 1
        computed[timing["worker"]] += timing["queries"] > 0
        return len(answers) == 2 and min(answers.values()) > 1

    wait_until(asked, "an answer of both workers")
    return sorted(computed.values())


def test_local_memory_misses_once_in_each_worker_and_a_shared_cache_once_in_all(lab, token):
    slug = "per-worker-cache"

    assert misses_by_worker(lab, address(slug, "uncached", token)) > [1, 1]
    assert misses_by_worker(lab, address(slug, "local", token)) == [1, 1]
    assert misses_by_worker(lab, address(slug, "shared", token)) == [0, 1]


def test_a_lab_without_a_shared_cache_says_so(settings):
    def explanation():
        return runpy.run_path(per_worker_cache.__file__)["__doc__"]

    assert "This lab has no shared cache" not in explanation()

    settings.LAB_CACHES = ["locmem"]

    assert "**This lab has no shared cache.**" in explanation()


# two-tier --------------------------------------------------------------------------------------


def test_a_worker_takes_its_first_copy_from_the_shared_cache_and_then_asks_nobody(lab, token):
    page = address("two-tier", "two-tiers", token)
    answers = {}

    def asked():
        timing = lab.get(page).timing
        answers.setdefault(timing["worker"], []).append(
            tuple(timing[name] for name in ("queries", "calls", "hits", "misses"))
        )
        return len(answers) == 2

    wait_until(asked, "an answer of both workers")
    first, second = sorted((seen[0] for seen in answers.values()), reverse=True)

    assert first == (3, 4, 0, 2)  # in neither cache: computed, and put into both
    assert second == (0, 3, 1, 1)  # in the shared one
    assert {seen for worker in answers.values() for seen in worker[1:]} <= {(0, 1, 1, 0), second}


@pytest.mark.django_db
def test_the_worker_that_changes_the_film_shows_the_new_one_at_once(play):
    before, after, _ = play("two-tier", "two-tiers")

    assert after != before


@pytest.mark.django_db
def test_another_worker_shows_the_old_film_until_its_own_copy_runs_out(
    client, token, play, later, monkeypatch
):
    real_ask = LabCache.ask

    def of_another_worker(self, alias, method, key, *args, **kwargs):
        if method == "delete" and "only-locmem:" in key:  # that worker's memory, not ours
            return False
        return real_ask(self, alias, method, key, *args, **kwargs)

    monkeypatch.setattr(LabCache, "ask", of_another_worker)
    before, after, now = play("two-tier", "two-tiers")
    assert after == before

    later(seconds=2.1)

    assert now() != before


@pytest.mark.django_db
def test_the_shared_tier_alone_shows_the_new_film_at_once(play):
    before, after, now = play("two-tier", "shared")

    assert after != before
    assert now() == after


@pytest.mark.django_db
def test_a_hit_in_the_local_tier_renders_nothing_and_asks_no_other_cache(client, token):
    page = address("two-tier", "two-tiers", token)
    made = client.get(page)

    hit = client.get(page)

    assert hit.content == made.content
    assert not getattr(hit, "templates", None)
    timing = server_timing.load(hit["Server-Timing"])
    assert (timing["queries"], timing["calls"], timing["hits"]) == (0, 1, 1)
