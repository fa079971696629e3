"""Test the scoreboard, on which each worker notes what it does."""

import sys
import threading

import pytest

from perflab.workers import scoreboard
from perflab.workers.scoreboard import reading, writing
from perflab.workers.scoreboard.latency import BUCKETS, bucket_of
from tests.support.workers import worker_on

# The decision.


def test_a_bucket_holds_its_time_to_5_percent():
    for ms in (0.1, 0.3, 1, 7, 49, 50, 51, 999, 31_000, 10**6):
        counts = [0] * BUCKETS
        counts[bucket_of(ms * 1e6)] = 1
        percentile = scoreboard.Latency(0, tuple(counts)).percentile_ms(0.95)
        assert percentile == pytest.approx(min(max(ms, 0.25), 32_000), rel=0.05)


@pytest.fixture
def board(tmp_path):
    return scoreboard.Scoreboard(tmp_path / "scoreboard", slots=2, threads=4)


# The scoreboard.


def test_a_worker_tells_whether_it_starts_waits_or_works(board):
    assert scoreboard.read(board.path) == []
    _, writer = worker_on(board)
    states = []

    for step in (lambda: None, writer.mark_ready, writer.begin_request, writer.end_request):
        step()
        [slot] = scoreboard.read(board.path)
        states.append((slot.state, slot.in_flight, slot.requests))

    assert states == [("starting", 0, 0), ("idle", 0, 0), ("busy", 1, 0), ("idle", 0, 1)]


def test_a_request_under_way_is_busy_time_already_and_idle_time_is_none(board, monkeypatch):
    clock = 1000
    for module in (reading, writing):
        monkeypatch.setattr(module, "monotonic_ns", lambda: clock)
    _, writer = worker_on(board)
    busy = []

    begin, end = writer.begin_request, writer.end_request
    for step in (None, begin, None, end, None, begin, begin, None):
        clock += 10
        if step:
            step()
        busy.append(scoreboard.read(board.path)[0].busy_ns)

    assert busy == [0, 0, 10, 20, 20, 20, 30, 50]  # the last: two requests at once


def test_requests_that_share_a_thread_are_counted_one_by_one(board):
    _, writer = worker_on(board)

    writer.begin_request()
    writer.begin_request()
    writer.end_request()

    [slot] = scoreboard.read(board.path)
    assert (slot.in_flight, slot.requests) == (1, 1)


def test_threads_count_without_a_lock_and_lose_nothing(board):
    _, writer = worker_on(board, threaded=True)
    interval = sys.getswitchinterval()

    def work():
        for _ in range(3000):
            writer.begin_request()
            writer.end_request()

    threads = [threading.Thread(target=work) for _ in range(4)]
    try:
        sys.setswitchinterval(1e-6)
        for thread in threads:
            thread.start()
    finally:
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)

    [slot] = scoreboard.read(board.path)
    assert (slot.requests, slot.in_flight) == (12_000, 0)


def test_what_an_ended_worker_did_is_kept_and_the_next_starts_from_nothing(board):
    number, writer = worker_on(board)
    writer.begin_request()
    writer.end_request()
    [before] = scoreboard.read(board.path)

    board.release_slot(number)

    after = scoreboard.snapshot(board.path)
    assert (after.slots, after.ended_requests) == ([], 1)
    assert after.ended_busy_ns == before.busy_ns > 0
    assert worker_on(board)[0] == number
    assert [slot.requests for slot in scoreboard.read(board.path)] == [0]


def test_a_worker_without_a_slot_works_all_the_same(board):
    workers = [worker_on(board)[1] for _ in range(3)]

    for number, writer in enumerate(workers):
        for _ in range(number + 1):
            writer.begin_request()
            writer.end_request()

    assert sorted(slot.requests for slot in scoreboard.read(board.path)) == [1, 2]


@pytest.mark.parametrize("content", [None, b"", b"perflab1", b"x" * 5000])
def test_a_file_that_is_no_scoreboard_is_refused(tmp_path, content):
    path = tmp_path / "scoreboard"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(scoreboard.NoScoreboard):
        scoreboard.read(path)


def test_a_scoreboard_that_is_cut_off_is_refused(board):
    board.path.write_bytes(board.path.read_bytes()[:-1])

    with pytest.raises(scoreboard.NoScoreboard, match="cut off"):
        scoreboard.read(board.path)
