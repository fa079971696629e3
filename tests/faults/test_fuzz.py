"""Some thousand hostile requests, drawn from a seed: the lab answers each, and none with a 5xx.

`make fuzz` sends more of them, from a new seed. A seed that found something goes into SEEDS.
"""

import collections
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.support.balancers import balancer, bare_balancer
from tests.support.fuzzing import hostile_requests
from tests.support.raw_requests import send, statuses_of
from tests.support.services import temporary_folder

SEEDS = [20261126]
NOT_OURS = (501, 505)  # a coding, or a version of HTTP, that Gunicorn or a balancer does not have
BUSY = b"Too many expensive pages are under way"  # a 503 that is right
THREADS = {"workers": 1, "threads": 4}
BALANCED = {"PERFLAB_LOCAL": "never"}
GEVENT = {"workers": 1, "arguments": ("--worker-class", "gevent")}
ASGI = {"arguments": ("--worker-class", "asgi"), "application": "perflab.asgi"}
# The lab, its database, and what stands in front of it.
WAYS = {
    "sync": ({}, "sqlite", None),
    "threads-postgresql": (THREADS, "postgresql", None),
    "gevent": (GEVENT, "sqlite", None),
    "asgi-postgresql": ({"workers": 1, **ASGI}, "postgresql", None),
    "nginx": (BALANCED, "sqlite", (balancer, "nginx")),
    "haproxy": ({**BALANCED, **THREADS}, "postgresql", (balancer, "haproxy")),
    "bare-nginx": (BALANCED, "postgresql", (bare_balancer, "nginx")),
    "bare-haproxy": ({**BALANCED, **THREADS}, "sqlite", (bare_balancer, "haproxy")),
}
ALWAYS = ("sync", "threads-postgresql")


@pytest.mark.parametrize(
    "way",
    [way if way in ALWAYS else pytest.param(way, marks=pytest.mark.exhaustive) for way in WAYS],
)
def test_hostile_requests_are_answered_without_a_5xx(start_lab, request, monkeypatch, capsys, way):
    options, database, front = WAYS[way]
    if database == "postgresql":
        server = request.getfixturevalue("own_postgresql")
        options = {**options, "DATABASE_URL": server.url}
    lab = start_lab(PERFLAB_TOOLBAR="0" if front else "1", **options)
    count = request.config.getoption("fuzz_requests")
    seeds = SEEDS if request.config.getoption("fuzz_seed") is None else []
    seeds = seeds or [request.config.getoption("fuzz_seed") or secrets.randbelow(10**9)]
    before = len(lab.log_text())
    statuses, broken = collections.Counter(), []

    with ExitStack() as opened:
        port = lab.port
        if front:
            monkeypatch.setenv("INSTANCES", "1")
            start, program = front
            port = opened.enter_context(start(program, lab.port, temporary_folder()))
        pool = opened.enter_context(ThreadPoolExecutor(4))
        for seed in seeds:
            with capsys.disabled():
                print(f"\n{way}: {count} hostile requests, --fuzz-seed={seed}", flush=True)
            asked = list(hostile_requests(count, seed))
            patience = 1 if front or "asgi" in way else 0
            answers = pool.map(send, [port] * count, asked, [patience] * count)
            for data, answer in zip(asked, answers, strict=True):
                for status in statuses_of(answer):
                    statuses[status] += 1
                    if status >= 500 and status not in NOT_OURS and BUSY not in answer:
                        broken.append((status, data[:300], answer[-300:]))

    assert not broken, (len(broken), broken[:5])
    log = lab.log_text()[before:]
    assert "Traceback" not in log
    assert "Internal Server Error" not in log  # Django's words
    assert "Error handling request" not in log  # Gunicorn's
    assert "Socket error" not in log
    assert statuses[200] > count / 50  # some of them did reach their page
    assert lab.get("/health/").status == 200


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_always_draws_the_same_requests(seed):
    assert list(hostile_requests(20, seed)) == list(hostile_requests(20, seed))
