"""Test the burst: how wide it was, what it says when it fails, and that it leaves no process."""

import contextlib
import fcntl
import http.client

import psutil
import pytest

from perflab.compare import burst, bursts
from tests.support.services import free_port, wait_until

TIMING = (
    'total;dur=20.000, sql;dur=1.000, cache;dur=0.000, queries;desc="2", tx;desc="0", '
    'duplicates;desc="0", calls;desc="0", hits;desc="0", misses;desc="1", errors;desc="0", '
    'worker;desc="7", instance;desc="a"'
)


def reply(start, end, status=200, timing=TIMING, failure=""):
    return burst.Reply(status, timing, (start, end), failure)


def test_a_burst_is_as_wide_as_the_requests_that_wait_at_one_moment():
    found = burst.sum_up([reply(0, 0.02), reply(0.01, 0.04), reply(0.015, 0.05), reply(0.04, 0.1)])

    assert found["in_flight"] == 3
    assert found["at_work"] == 0.8  # 4 x 20 ms within 100 ms
    answer = {"queries": 2, "hits": 0, "misses": 1, "errors": 0, "worker": 7, "sql": 1, "total": 20}
    assert found["answers"] == [answer] * 4


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"status": 503}, "the lab answered 503"),
        ({"timing": ""}, "the answers came without the lab's Server-Timing"),
        ({"failure": "the lab does not answer"}, "the lab does not answer"),
    ],
)
def test_a_burst_with_one_bad_answer_says_nothing_else(wrong, says):
    assert burst.sum_up([reply(0, 1), reply(0, 1, **wrong)]) == {"failure": says}


def test_all_requests_are_sent_when_all_connections_are_open():
    opened, sent = [], []

    def open_one():
        opened.append(1)

        def send():
            sent.append(len(opened))
            return 200, TIMING

        return send

    assert burst.send_burst(5, open_one)["in_flight"] >= 1
    assert sent == [5] * 5


def test_nobody_at_the_address_is_a_failure(may_start_servers):
    port = free_port()

    open_one = burst.over_http(lambda: http.client.HTTPConnection("127.0.0.1", port), "/", {})

    assert "does not answer" in burst.send_burst(2, open_one)["failure"]


@pytest.fixture
def start(may_start_servers, settings, tmp_path):
    """A function that starts a burst to a port of this machine."""
    settings.VAR = tmp_path

    def start(port):
        return bursts.start("127.0.0.1", str(port), "127.0.0.1", "/", 3)

    return start


def processes():
    """Return the processes of bursts that we have started and that are still there."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end while we look
            if "perflab.compare.burst" in child.cmdline():
                found.append(child)
    return found


def test_a_burst_runs_in_a_process_that_ends_and_tells_what_it_brought(start, tmp_path):
    name = start(free_port())

    wait_until(lambda: bursts.read(name), "the end of the burst")
    assert "does not answer" in bursts.read(name)["failure"]
    wait_until(lambda: not processes(), "the end of its process")


def test_one_burst_at_a_time(start, tmp_path):
    first = start(free_port())
    wait_until(lambda: bursts.read(first), "the end of the first burst")
    wait_until(lambda: not processes(), "the end of its process")
    with open(tmp_path / "bursts/lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(bursts.Busy):
            start(free_port())


def test_a_burst_that_was_killed_has_failed(start):
    assert bursts.read("0123456789abcdef") == {"failure": "the burst has ended without a result"}
