"""Latency told rightly: requests on a schedule, beside users who wait before they ask again."""

import asyncio
import json
import re

import psutil
import pytest

from perflab.load import open_loop_report, plan
from perflab.load.generators import locust as by_locust
from perflab.load.generators import open_loop
from perflab.load.gunicorn import Freeze
from tests.services import wait_until
from tests.test_load import command, kept, load, refusal, started, var  # noqa: F401
from tests.test_locust import broken_lab  # noqa: F401

POINT = {
    **{"variant": None, "workers": 2, "threads": 1, "users": 2, "requests": 900, "failures": 0},
    **{"requests_per_s": 150.0, "p50_ms": 6.0, "p95_ms": 7.0, "p99_ms": 9.0},
}
OPEN = {
    **{"per_s": 100, "seconds": 6, "requests": 600, "unanswered": 0, "failures": 0, "late": 0},
    **{"latest_ms": 2.0, "answered_per_s": 99.9, "growing": False},
    **{"p50_ms": 6.0, "p95_ms": 700.0, "p99_ms": 950.0, "max_ms": 1000.0},
}


def opened(**different):
    return POINT | {"open": OPEN | different}


def test_latency_counts_those_who_still_wait():
    answered = [(n, 0.01, n + 0.01) for n in range(90)]
    unanswered = [(n, 100 - n) for n in range(90, 100)]

    found = open_loop.summary(answered, unanswered, per_s=1, began=0, seconds=100)

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

    found = open_loop.summary(answered, [], per_s=100, began=0, seconds=10)

    assert found["growing"] is growing
    assert found["answered_per_s"] == pytest.approx(min(100, serves_per_s), rel=0.01)


def test_what_the_closed_loop_left_out_is_said_and_only_then():
    (told,) = open_loop_report.sentences([POINT, opened()], freeze_s=1)
    (equal,) = open_loop_report.sentences([opened(p95_ms=7.5)])
    (too_much,) = open_loop_report.sentences([opened(growing=True, answered_per_s=60.0)])

    assert told == (
        "2 workers with 2 users: p95 is 700 ms for those who come on a schedule, 100 requests/s, "
        "and 7 ms by the closed loop, whose users waited while the lab stood still for 1 s and so "
        "did not ask: coordinated omission."
    )
    assert "omission" not in equal
    assert "are more than was served, 60.0; the queue grew to the end" in too_much


def test_a_generator_that_is_late_is_told():
    assert open_loop_report.warnings([POINT, opened(late=6)]) == []

    (line,) = open_loop_report.warnings([opened(late=7, latest_ms=150)])

    assert line.startswith("the open loop could not keep its schedule and sent requests up to 150")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("io-bound --open 0", "--open: must be requests a second from 0.001 to 1,000, not '0'"),
        ("io-bound --open 1e3", "--open: must be requests a second"),
        ("io-bound --open 1001", "--open: must be requests a second from 0.001 to 1,000"),
        ("browse --open 10", "--open loads one address, and browse is many"),
        ("io-bound --freeze 6s", "--freeze: must be from 1ms to 5s"),
        ("io-bound --freeze 2s --duration 6s", "--freeze 2s needs a --duration of 4 times as long"),
        ("io-bound --load-workers 0", "--load-workers: must be a whole number from 1 to 16"),
        ("io-bound --load-workers 2 --generator hey", "--load-workers are Locust's: hey has none"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_status_two(arguments, words):
    assert words in refusal(2, *arguments.split())


def test_only_a_gunicorn_of_ours_is_frozen():
    with pytest.raises(plan.LoadRefused, match="not a --host"):
        plan.Plan("io-bound", freeze_s=1, host="http://127.0.0.1:8000")


def test_requests_go_out_whether_or_not_answers_come(broken_lab):  # noqa: F811
    class Server:
        url = broken_lab.url

    before = len(broken_lab.requests)
    whole = list(open_loop.load("/experiments/whole/fast/", Server, 50, 0.5))
    (last, wrong) = list(open_loop.load("/experiments/server-error/fast/", Server, 50, 0.5))[-1]

    asked = [path for path, _ in broken_lab.requests[before:]]
    assert [last for last, _ in whole] == [False] * (len(whole) - 1) + [True]
    assert whole[-1][1]["requests"] == 25
    assert whole[-1][1]["failures"] == 0
    assert asked.count("/experiments/whole/fast/") == 25
    assert last
    assert wrong["failures"] == wrong["requests"] == 25


@pytest.mark.parametrize("room", [1, 100])
def test_latency_counts_from_when_a_request_was_due_not_from_when_it_went_out(room, capsys):
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
            schedule = open_loop.Schedule(f"http://127.0.0.1:{port}/", per_s=200, seconds=0.05)
            schedule.room = asyncio.Semaphore(room)
            await schedule.run()

    asyncio.run(ask())

    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["requests"], found["failures"], found["last"]) == (10, 0, True)
    if room == 1:
        assert at_once[1] == 1
        assert found["late"] >= 8
        assert found["latest_ms"] > 1000 * (9 * took_s - 0.05)
        assert found["max_ms"] > 1000 * (10 * took_s - 0.05)
    else:
        assert at_once[1] > 5  # nobody waited for anybody's answer


def test_a_lab_that_is_down_fails_every_request_and_ends():
    class Server:
        url = "http://127.0.0.1:1"

    (_, found) = list(open_loop.load("/", Server, 40, 0.5))[-1]

    assert found["failures"] == found["requests"] == 20


def test_the_open_loop_sees_a_lab_that_stood_still_and_the_closed_one_hardly(var):  # noqa: F811
    line = "load io-bound --ms 2 --workers 2 --users 2 --duration 4s --open 40 --freeze 1s"

    process = command(var, line)
    output, errors = process.communicate(timeout=120)

    assert process.returncode == 0, errors
    run = kept(var)
    (found,) = run["points"]
    assert run["freeze_s"] == 1
    assert found["open"]["requests"] == 160
    assert found["open"]["unanswered"] == found["failures"] == found["open"]["failures"] == 0
    assert found["requests"] > 160  # two users who hardly wait ask more, and yet see less
    assert found["open"]["p95_ms"] > 3 * found["p95_ms"]
    assert found["open"]["max_ms"] > 900  # it did stand still for 1 s
    assert re.search("closed loop .+\n +open, 40 a second", output)
    assert "coordinated omission" in " ".join(output.split())
    assert not started(var)


def test_workers_that_are_frozen_go_on_when_the_measurement_is_broken_off(start_lab):
    lab = start_lab(workers=1)
    (worker,) = psutil.Process(lab.process.pid).children()

    with Freeze(lab, 0, 60) as freeze:
        freeze.begin()
        wait_until(lambda: worker.status() == psutil.STATUS_STOPPED, "the worker to stop")

    assert lab.get("/health/").status == 200


def test_locusts_workers_ask_and_what_they_count_is_put_together(lab, tmp_path, monkeypatch):
    saved = tmp_path / "run.json"
    page = ("io-bound", "--ms", "5", "--host", lab.url, "--users", "4", "--duration", "2s")
    before = lab.log_text().count("GET /io-bound/?ms=5 ")
    processes, counts = [], []
    spawn, start = by_locust.spawn, by_locust.Meter.start

    def spawned(*arguments, **options):
        processes.append(spawn(*arguments, **options))
        return processes[-1]

    def started_to_measure(meter):
        counts.extend(len(psutil.Process(p.pid).children()) for p in processes)
        start(meter)

    monkeypatch.setattr(by_locust, "spawn", spawned)
    monkeypatch.setattr(by_locust.Meter, "start", started_to_measure)

    load(*page, "--load-workers", "2", f"--json={saved}")

    run = json.loads(saved.read_text())
    (found,) = run["points"]
    asked = lab.log_text().count("GET /io-bound/?ms=5 ") - before
    assert run["load_workers"] == 2
    assert set(counts) == {2}  # beside the master
    assert found["users_mean"] == 4
    assert found["failures"] == 0
    assert 20 < found["requests"] < asked  # there was one user alone before, and a warm-up
    assert found["p50_ms"] >= 5
    assert abs(found["little_error"]) < 0.2  # no process's requests are missing
    assert run["alone"]["all"]["latency_ms"] >= 5
    assert not started()


def test_a_scenario_that_ends_by_itself_says_so_in_the_verdict(lab, tmp_path):
    saved = tmp_path / "run.json"
    page = ("--experiment", "n-plus-one", "--movies", "10", "--users", "2", "--host", lab.url)

    load("soak", *page, "--duration", "3s", "--load-workers", "2", f"--json={saved}")

    run = json.loads(saved.read_text())
    (found,) = run["points"]
    served = r"2 users \([\d.]+ requests/s, p95 \d+ ms, 0.0% failures\)"
    line = rf"The lab .+: it began with {served} and ended with {served}\."
    assert re.fullmatch(line, found["said"])
    assert found["said"] in run["verdict"]
    assert found["requests"] > 20
    assert 2.5 < found["duration_s"] < 10
