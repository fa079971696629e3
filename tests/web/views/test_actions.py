"""Test the actions of a comparison page: it empties a cache, and keeps a result."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from perflab.web.views import actions

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


@pytest.mark.parametrize(
    ("slug", "order"),
    [
        ("cache-page", "flush"),
        ("cache-page", "result"),
        ("stale-page", "story"),
        ("stampede", "plain/burst"),
    ],
)
def test_orders_need_a_post_a_token_and_the_lab_s_own_machine(client, slug, order):
    path = f"/experiments/{slug}/{order}/"
    strict = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")
    stranger = Client(SERVER_NAME="127.0.0.1", REMOTE_ADDR="192.0.2.1")

    assert client.get(path).status_code == 405
    assert strict.post(path).status_code == 403
    assert stranger.post(path).status_code == 403
    assert client.post(f"/experiments/no-such/{order}/").status_code == 404


def test_a_flush_reaches_this_experiment_in_every_worker_and_no_other(start_lab):
    lab = start_lab(workers=2)  # locmem: each worker has its own
    one, other = (f"/experiments/{s}/fast/?movies=5" for s in ("cache-page", "fragment-trap"))

    def queries_by_worker(path):
        """Return the queries of each worker's first and last answer, once both answered twice."""
        answers = defaultdict(list)
        with ThreadPoolExecutor(2) as pool:  # together they keep both workers busy
            for _ in range(500):
                both = [answer.timing for answer in pool.map(lab.get, [path, path])]
                for timing in sorted(both, key=lambda timing: -timing["queries"]):
                    answers[timing["worker"]].append(timing["queries"])
                if len(answers) == 2 and min(map(len, answers.values())) > 1:
                    break
        return {queries[0] for queries in answers.values()}, {q[-1] for q in answers.values()}

    assert queries_by_worker(one) == ({2}, {0})
    assert queries_by_worker(other) == ({1}, {0})
    page = lab.get("/experiments/cache-page/")
    token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    cookie = page.headers["Set-Cookie"].split(";")[0]

    flushed = lab.request(
        "POST",
        "/experiments/cache-page/flush/",
        {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"},
        f"csrfmiddlewaretoken={token}",
    )

    assert flushed.status == 204
    assert queries_by_worker(one) == ({2}, {0})
    assert queries_by_worker(other) == ({0}, {0})


def test_a_story_takes_turns(client):
    path = "/experiments/stale-page/story/"
    other = {"action": "begin", "turn": "b" * 20}

    assert client.post(path, {"action": "begin", "turn": "a" * 20}).status_code == 204
    refused = client.post(path, other)
    changed = client.post("/experiments/two-tier/shared/change/?movies=5")
    assert client.post(path, {"action": "end", "turn": "a" * 20}).status_code == 204

    assert (refused.status_code, changed.status_code) == (202, 409)
    assert refused.text == "Somebody else plays a story that changes the same data."
    assert client.post(path, {"action": "dance", "turn": "a" * 20}).status_code == 400
    assert client.post(path, {"action": "begin", "turn": "../etc"}).status_code == 400
    assert client.post("/experiments/stampede/story/", other).status_code == 404


def test_a_burst_goes_to_this_lab_alone_and_only_where_a_story_has_one(client, monkeypatch):
    started = []
    monkeypatch.setattr(actions.bursts, "start", lambda **order: started.append(order) or "1")
    path = "/experiments/stampede/plain/burst/?movies=7&cache=locmem&cold=abc"

    answer = client.post(path, {"host": "192.0.2.1", "number": "999"}, SERVER_PORT="8123")

    assert (answer.status_code, answer.json()) == (202, {"burst": "1"})
    (order,) = started
    assert order.pop("path").startswith("/experiments/stampede/plain/?movies=7&")
    assert order == {"host": "127.0.0.1", "port": "8123", "site": "127.0.0.1:8123", "number": 12}
    assert client.post("/experiments/cache-page/fast/burst/").status_code == 404
    assert client.post(path.replace("movies=7", "movies=x")).status_code == 400


def test_a_second_burst_waits_for_the_first(client, monkeypatch):
    def start(**order):
        raise actions.bursts.Busy("Another burst is under way: wait for its end.")

    monkeypatch.setattr(actions.bursts, "start", start)

    answer = client.post("/experiments/stampede/plain/burst/")

    assert (answer.status_code, set(answer.json())) == (202, {"wait"})


def test_a_lab_that_everybody_may_change_sends_no_burst_to_an_address_that_is_not_its_own(
    client, settings, monkeypatch
):
    settings.LOCAL = "always"
    monkeypatch.setattr(actions.bursts, "start", lambda **order: pytest.fail("started"))

    answer = client.post("/experiments/stampede/plain/burst/", REMOTE_ADDR="192.0.2.1")

    assert answer.status_code == 403
