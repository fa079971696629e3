"""Test the actions of a comparison page: it empties a cache, and keeps a result."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


@pytest.mark.parametrize("order", ["flush", "result"])
def test_orders_need_a_post_a_token_and_the_lab_s_own_machine(client, order):
    path = f"/experiments/cache-page/{order}/"
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
