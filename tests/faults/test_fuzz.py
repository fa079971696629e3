"""Some thousand hostile requests, drawn from a seed: the lab answers each, and none with a 5xx.

`make fuzz` sends more of them, from a new seed. A seed that found something goes into SEEDS.
"""

import collections
import secrets

import pytest

from tests.support.fuzzing import hostile_requests, send

SEEDS = [20261126]
NOT_OURS = (501, 505)  # a coding, or a version of HTTP, that Gunicorn does not have


def test_hostile_requests_are_answered_without_a_5xx(any_lab, request, capsys):
    count = request.config.getoption("fuzz_requests")
    seeds = SEEDS if request.config.getoption("fuzz_seed") is None else []
    seeds = seeds or [request.config.getoption("fuzz_seed") or secrets.randbelow(10**9)]
    before = len(any_lab.log_text())
    statuses, broken = collections.Counter(), []

    for seed in seeds:
        with capsys.disabled():
            print(f"\n{count} hostile requests, --fuzz-seed={seed}", flush=True)
        for data in hostile_requests(count, seed):
            status = send(any_lab.port, data)
            statuses[status] += 1
            if status and status >= 500 and status not in NOT_OURS:
                broken.append((status, data[:300]))

    assert not broken, (len(broken), broken[:5])
    log = any_lab.log_text()[before:]
    assert "Internal Server Error" not in log  # Django's words
    assert "Error handling request" not in log  # Gunicorn's
    assert "Socket error" not in log
    assert statuses[200] > count / 50  # some of them did reach their page
    assert any_lab.get("/health/").status == 200


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_always_draws_the_same_requests(seed):
    assert list(hostile_requests(20, seed)) == list(hostile_requests(20, seed))
