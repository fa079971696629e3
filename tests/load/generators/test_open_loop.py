"""Test requests on a schedule, which go out whether or not answers come."""

import asyncio
import json
import re

import pytest

from perflab.load.generators import open_loop, open_loop_process
from tests.support.load_command import command, kept, started
from tests.support.services import undisturbed


def test_latency_counts_those_who_still_wait():
    answered = [(n, 0.01, n + 0.01) for n in range(90)]
    unanswered = [(n, 100 - n) for n in range(90, 100)]

    found = open_loop_process.summary(answered, unanswered, per_s=1, started=0, seconds=100)

    assert (found["requests"], found["unanswered"]) == (100, 10)
    assert found["p50_ms"] == pytest.approx(10)
    assert found["p95_ms"] == 5000  # the nearest rank, of 1 to 10 s
    assert found["max_ms"] == 10_000
    assert found["answered_per_s"] == pytest.approx(0.9)


@pytest.mark.parametrize(("serves_per_s", "growing"), [(50, True), (200, False)])
def test_a_queue_grows_where_less_is_served_than_asked(serves_per_s, growing):
    came, answered = 0.0, []
    for number in range(1000):
        due = number / 100
        came = max(came, due) + 1 / serves_per_s
        answered.append((due, came - due, came))

    found = open_loop_process.summary(answered, [], per_s=100, started=0, seconds=10)

    assert found["growing"] is growing
    assert found["answered_per_s"] == pytest.approx(min(100, serves_per_s), rel=0.01)


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n1a;name=value\r\n" + b"w" * 26 + b"\r\n0\r\n{trailer}\r\n"
)


@pytest.mark.parametrize("trailer", [b"", b"Name: value\r\n", b"A: 1\r\nB: 2\r\n"])
def test_a_chunked_answer_is_good_only_when_it_came_to_its_end(trailer):
    answer = CHUNKED.replace(b"{trailer}", trailer)

    assert open_loop_process.is_whole(answer)
    for end in range(len(answer)):  # cut in the head, in a chunk, in its size, in the trailer
        try:
            whole = open_loop_process.is_whole(answer[:end])
        except ValueError:
            whole = False
        assert not whole, answer[:end]


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", False),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", True),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", False),
        (b"", False),
    ],
)
def test_an_answer_with_a_length_has_to_have_it(answer, whole):
    assert open_loop_process.is_whole(answer) is whole


def test_an_answer_cut_short_by_the_lab_is_a_failure(capsys):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED[: CHUNKED.index(b"\r\n0\r\n")])
        writer.close()

    async def ask():
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await open_loop_process.Schedule(
                f"http://127.0.0.1:{port}/", per_s=100, seconds=0.1
            ).run()

    asyncio.run(ask())

    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["failures"] == found["requests"] == 10


@pytest.mark.usefixtures("may_start_servers")
def test_requests_go_out_whether_or_not_answers_come(broken_lab):
    class Server:
        url = broken_lab.url

    before = len(broken_lab.requests)
    whole = list(open_loop.generate("/experiments/whole/fast/", Server, 50, 0.5))
    *_, wrong = open_loop.generate("/experiments/server-error/fast/", Server, 50, 0.5)

    asked = [path for path, _ in broken_lab.requests[before:]]
    assert [update.result is not None for update in whole] == [False] * (len(whole) - 1) + [True]
    assert whole[-1].result.requests == 25
    assert whole[-1].result.failures == 0
    assert asked.count("/experiments/whole/fast/") == 25
    assert wrong.result.failures == wrong.result.requests == 25


@pytest.mark.parametrize("connections", [1, 100])
def test_latency_counts_from_when_a_request_was_due_not_from_when_it_went_out(connections, capsys):
    took_s, at_once = 0.04, [0, 0]  # now, and at most

    async def answer(reader, writer):
        at_once[0] += 1
        at_once[1] = max(at_once)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(took_s)
        at_once[0] -= 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async def ask():
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            schedule = open_loop_process.Schedule(
                f"http://127.0.0.1:{port}/", per_s=200, seconds=0.05
            )
            schedule.connections = asyncio.Semaphore(connections)
            await schedule.run()

    asyncio.run(ask())

    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["requests"], found["failures"], found["last"]) == (10, 0, True)
    if connections == 1:
        assert at_once[1] == 1
        assert found["late"] >= 8
        assert found["latest_ms"] > 1000 * (9 * took_s - 0.05)
        assert found["max_ms"] > 1000 * (10 * took_s - 0.05)
    else:
        assert at_once[1] > 5  # nobody waited for anybody's answer


@pytest.mark.usefixtures("may_start_servers")
def test_a_lab_that_is_down_fails_every_request_and_ends():
    class Server:
        url = "http://127.0.0.1:1"

    *_, update = open_loop.generate("/", Server, 40, 0.5)

    assert update.result.failures == update.result.requests == 20


def test_the_open_loop_sees_a_lab_that_stood_still_and_the_closed_one_hardly(var):
    line = "load io-bound --ms 2 --workers 2 --users 2 --duration 4s --open 40 --freeze 1s"

    def measure():
        process = command(var, line)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        run = kept(var)
        (found,) = run["points"]
        return output, run, found

    def holds(measured):
        found = measured[2]
        slower = found["open"]["p95_ms"] > 3 * found["p95_ms"]
        return slower and found["requests"] > 160 and found["open"]["unanswered"] == 0

    output, run, found = undisturbed(measure, holds)

    assert run["freeze_s"] == 1
    assert found["open"]["requests"] == 160
    assert found["open"]["unanswered"] == found["failures"] == found["open"]["failures"] == 0
    assert found["requests"] > 160  # two users who hardly wait ask more, and yet see less
    assert found["open"]["p95_ms"] > 3 * found["p95_ms"]
    assert found["open"]["max_ms"] > 900  # it did stand still for 1 s
    assert re.search("closed loop .+\n +open, 40 a second", output)
    assert "coordinated omission" in " ".join(output.split())
    assert not started(var)
