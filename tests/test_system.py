"""What binds a site, what its machine does, and the dial: the pages of the article's "Do more"."""

import http.client
import json
import re
import signal
import sys
import threading
from contextlib import suppress
from io import StringIO
from statistics import median

import psutil
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from playwright.sync_api import expect

from perflab.measure import server_timing
from perflab.web import calibrated
from perflab.workers import control, scoreboard
from perflab.workers.scoreboard import reading, writing
from tests.services import free_port, wait_until


@pytest.fixture
def client():
    return Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")


def timing(response):
    return server_timing.load(response["Server-Timing"])


# The calibrated pages.


def test_the_page_that_waits_takes_its_worker_and_no_core(client):
    timings = [timing(client.get("/io-bound/?ms=50")) for _ in range(3)]

    assert min(one["total"] for one in timings) >= 50
    assert median(one["cpu"] for one in timings) < 25


def test_the_page_that_computes_takes_the_cpu_time_that_was_asked_for(client):
    for ms in (10, 50, 100):
        measured = [calibrated.timed(calibrated.compute, ms) for _ in range(5)]

        assert all(rounds > 0 for rounds, _, _ in measured)
        assert ms <= median(cpu for _, _, cpu in measured) <= ms * 1.1
    page = client.get("/cpu-bound/?ms=50")
    shown = re.search(rb"CPU time of this thread: ([\d.]+) ms", page.content)
    assert 50 <= float(shown[1]) <= timing(page)["cpu"]


def test_the_rounds_that_are_told_have_been_computed(monkeypatch):
    computed, spin = [], calibrated.spin
    calibrated.rounds_in_a_slice()
    monkeypatch.setattr(calibrated, "spin", lambda rounds: computed.append(rounds) or spin(rounds))

    told = calibrated.compute(20)

    assert told == sum(computed) > 0
    assert spin(3) == (0 * 31 + 1) * 31 + 2


@pytest.mark.parametrize("path", ["/io-bound/", "/cpu-bound/"])
def test_a_calibrated_is_a_page_that_a_scenario_can_read(client, path):
    default, nothing = client.get(path), client.get(f"{path}?ms=0")

    for response, ms in ((default, 50), (nothing, 0)):
        page = response.content.decode()
        assert response.status_code == 200
        assert page.count("<h1>") == 1
        assert f"<li>asked: {ms} ms" in page
        assert timing(response)["queries"] == 0


@pytest.mark.parametrize("path", ["/io-bound/", "/cpu-bound/"])
@pytest.mark.parametrize("ms", ["1001", "-1", "0.5", "abc", "", "9" * 5000])
def test_a_calibrated_refuses_a_bad_time_before_it_begins(client, monkeypatch, path, ms):
    monkeypatch.delattr(calibrated, "timed")

    response = client.get(f"{path}?ms={ms}")

    assert response.status_code == 400
    assert "ms must be a whole number from 0 to 1,000" in response.content.decode()


def test_a_public_lab_waits_and_computes_less(client, settings):
    settings.MAX_WORK_MS = 200

    assert client.get("/cpu-bound/?ms=200").status_code == 200
    assert client.get("/cpu-bound/?ms=201").status_code == 400
    assert client.post("/cpu-bound/?ms=1").status_code == 405


# The scoreboard.


@pytest.fixture
def board(tmp_path):
    return scoreboard.Scoreboard(tmp_path / "scoreboard", slots=2, threads=4)


def worker_on(board, threaded=False):
    number = board.reserve_slot()
    writer = scoreboard.SlotWriter(board, number, threaded)
    return number, writer


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


# The page and its JSON.


def system_of(lab):
    return json.loads(lab.get("/system.json").text)


def board_of(lab):
    return lab.var / f"scoreboard-{lab.port}"


def counted(lab):
    """All requests that the lab's workers have answered."""
    return scoreboard.snapshot(board_of(lab)).requests


def test_every_request_is_counted_and_the_workers_are_gunicorns(lab):
    wait_until(lambda: not any(s.in_flight for s in scoreboard.read(board_of(lab))), "rest", 5)
    before = counted(lab)

    for _ in range(10):
        lab.get("/io-bound/?ms=0")
    wait_until(lambda: counted(lab) >= before + 10, "the last one counted", 5)
    told = system_of(lab)

    assert told["lab"]["requests"] == before + 10
    assert told["lab"]["master"] == lab.process.pid
    assert {worker["pid"] for worker in told["workers"]} == set(lab.worker_pids())
    assert [w["state"] for w in told["workers"] if w["answers"]] == ["busy"]
    assert told["note"] == ""


def test_a_worker_that_waits_is_busy_without_cpu_and_one_that_computes_with_it(lab):
    used = {}
    for bound in ("io", "cpu"):
        before = {worker["pid"]: worker for worker in system_of(lab)["workers"]}
        pid = lab.get(f"/{bound}-bound/?ms=500").timing["worker"]
        after = next(worker for worker in system_of(lab)["workers"] if worker["pid"] == pid)
        used[bound] = {name: after[name] - before[pid][name] for name in ("busy_s", "cpu_s")}

    assert used["io"]["busy_s"] >= 0.5
    assert used["io"]["cpu_s"] < 0.25
    assert used["cpu"]["busy_s"] >= 0.5
    assert used["cpu"]["cpu_s"] >= 0.48  # the system counts in hundredths


def test_the_machine_is_told_as_the_system_tells_it(lab):
    told = system_of(lab)["machine"]

    assert told["memory_bytes"] == psutil.virtual_memory().total
    assert 0 < told["memory_available_bytes"] < told["memory_bytes"]
    assert all(0 < core["busy_s"] <= core["total_s"] for core in told["cores"])
    assert len(told["load_average"]) == 3
    if sys.platform == "linux":
        assert told["run_queue"] >= 1
        assert told["accept_queue"] == 0


def test_connections_that_wait_for_a_worker_are_seen(start_lab):
    if sys.platform != "linux":
        pytest.skip("only Linux tells")
    lab = start_lab(workers=1)
    paths = ("/io-bound/?ms=300", "/system.json", *["/io-bound/?ms=0"] * 3)
    visitors = [http.client.HTTPConnection("127.0.0.1", lab.port, timeout=30) for _ in paths]

    for visitor, path in zip(visitors, paths, strict=True):
        visitor.request("GET", path)
    answers = [visitor.getresponse().read() for visitor in visitors]

    assert json.loads(answers[1])["machine"]["accept_queue"] == 3
    assert system_of(lab)["machine"]["accept_queue"] == 0


def test_without_gunicorn_it_says_what_is_not_known(client):
    told = client.get("/system.json").json()
    page = client.get("/system/").content.decode()

    assert "was not started by Gunicorn" in told["note"]
    assert told["lab"] is None
    [worker] = told["workers"]
    assert (worker["requests"], worker["busy_s"]) == (None, None)
    assert worker["cpu_s"] > 0
    assert "was not started by Gunicorn" in page
    assert "not known" in page
    assert "<form" not in page


def test_a_scoreboard_that_has_gone_is_said_to_be(client, settings, tmp_path):
    settings.SCOREBOARD = str(tmp_path / "gone")

    assert "no scoreboard at" in client.get("/system.json").json()["note"]
    assert client.get("/system/").status_code == 200


def test_a_gunicorn_without_a_control_socket_is_said_to_have_no_dial(client, settings, board):
    _, writer = worker_on(board)
    writer.mark_ready()
    settings.SCOREBOARD, settings.CONTROL_SOCKET = str(board.path), ""

    page = client.get("/system/").content.decode()

    assert "no control socket" in page
    assert "<form" not in page
    settings.CONTROL_SOCKET = "somewhere"
    assert "<form" in client.get("/system/").content.decode()
    elsewhere = client.get("/system/", REMOTE_ADDR="10.0.0.9").content.decode()
    assert "<form" not in elsewhere
    assert "own machine" in elsewhere


def test_the_page_counts_on_while_somebody_looks_and_its_dial_turns(visitor, lab):
    page = visitor().open("/system/?inspect=0")
    rows = page.locator("[data-out=workers] tr")
    told = page.locator("[data-out=dialled]")
    try:
        expect(page.locator("[data-out=charts] svg")).to_have_count(2)
        expect(page.locator("[data-out=cores] meter")).not_to_have_count(0)
        expect(page.locator("[data-out=rate]")).to_have_text(re.compile(r"^[\d.]+$"))
        expect(rows).to_have_count(2)

        page.get_by_role("button", name="One more").click()

        expect(told).to_have_text("2 workers, now 3.")
        expect(rows).to_have_count(3)
        expect(page.locator("[data-out=alert]")).to_be_hidden()
    finally:
        control.set_workers(socket_of(lab), 2)
    expect(rows).to_have_count(2)


# The dial.


def socket_of(lab):
    path = lab.var / "run" / f"gunicorn-{lab.port}.sock"
    wait_until(path.exists, "the control socket", 10)
    return path


def target_workers(path):
    """How many workers Gunicorn is to keep; None while a reload opens its socket anew."""
    with suppress(control.ControlError):
        return control.target_workers(path)


def ready_workers(lab):
    return [slot.pid for slot in scoreboard.read(board_of(lab)) if slot.state != "starting"]


def test_the_dial_changes_the_number_of_workers_and_loses_no_request(start_lab):
    lab = start_lab(workers=1)
    path = socket_of(lab)
    statuses, done = [], threading.Event()

    def load():
        while not done.is_set():
            statuses.append(lab.get("/io-bound/?ms=20").status)

    loading = [threading.Thread(target=load) for _ in range(4)]
    for thread in loading:
        thread.start()
    try:
        for now in range(1, 9):  # each while Gunicorn still starts the worker before
            assert control.add_workers(path, 1) == control.WorkerChange(now, now + 1)
        assert control.remove_workers(path, 6) == control.WorkerChange(9, 3)
        wait_until(lambda: len(ready_workers(lab)) == 3, "three workers", 20)
        assert control.set_workers(path, 2) == control.WorkerChange(3, 2)
        wait_until(lambda: len(ready_workers(lab)) == 2, "two workers", 20)
        assert control.set_workers(path, 2) == control.WorkerChange(2, 2)
        lab.process.send_signal(signal.SIGHUP)  # a reload starts them all anew, as many as at first
        wait_until(lambda: target_workers(path) == 1, "the reload", 20)
        wait_until(lambda: len(scoreboard.read(board_of(lab))) == 1, "one worker", 20)
    finally:
        done.set()
        for thread in loading:
            thread.join()

    assert len(statuses) > 20
    assert set(statuses) == {200}
    wait_until(lambda: counted(lab) >= len(statuses), "all counted, of ended workers too", 5)
    with pytest.raises(control.InvalidOrder, match="may have 1 to"):
        control.add_workers(path, control.max_workers())
    with pytest.raises(control.InvalidOrder, match="may have 1 to"):
        control.remove_workers(path, 1)
    assert control.target_workers(path) == 1


def test_the_command_lists_the_workers_and_turns_the_dial(lab, monkeypatch, settings):
    monkeypatch.setenv("PERFLAB_VAR", str(lab.var))
    settings.VAR = lab.var
    port = f"--port={lab.port}"
    socket_of(lab)

    def say(*arguments):
        out = StringIO()
        call_command("workers", *arguments, stdout=out)
        return out.getvalue()

    listed = say("show", port).splitlines()[1:]
    assert {int(line.split()[0]) for line in listed} == set(lab.worker_pids())
    assert say("set", "2", port) == "workers: 2, now 2\n"
    for arguments, status, words in (
        (("set", "1000", port), 2, "whole number from 1 to"),
        (("add", f"{control.max_workers()}", port), 2, "may have 1 to"),
        (("set", port), 2, "set how many"),
        (("add", "0", port), 2, "whole number from 1"),
        (("add", "x", port), 2, "whole number from 1"),
        (("show", "3", port), 2, "takes no number"),
        (("add", "--port=99999"), 2, "--port must be"),
        (("add", f"--port={free_port()}"), 1, "is the lab running"),
        (("show", f"--port={free_port()}"), 1, "no scoreboard"),
    ):
        with pytest.raises(CommandError, match=words) as refused:
            say(*arguments)
        assert refused.value.returncode == status
        assert "\n" not in str(refused.value)


def test_the_dial_is_for_a_post_from_the_lab_s_own_machine(client):
    order = {"action": "add", "number": "1"}
    strict = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")

    assert client.get("/system/workers/").status_code == 405
    assert strict.post("/system/workers/", order).status_code == 403
    for elsewhere in ({"REMOTE_ADDR": "10.0.0.9"}, {"HTTP_X_FORWARDED_FOR": "10.0.0.9"}):
        response = client.post("/system/workers/", order, **elsewhere)
        assert response.status_code == 403
        assert "own machine" in response.content.decode()


@pytest.mark.parametrize(
    ("order", "status", "words"),
    [
        ({"action": "add", "number": "1"}, 503, "no control socket"),
        ({"action": "add", "number": "x"}, 400, "number must be"),
        ({"action": "add", "number": "0"}, 400, "number must be"),
        ({"action": "add"}, 400, "number must be"),
        ({"action": "explode", "number": "1"}, 400, "the action must be add, remove, set"),
        ({}, 400, "number must be"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_told_why(client, order, status, words):
    page = client.post("/system/workers/", order)
    answer = client.post("/system/workers/", order, headers={"accept": "application/json"})

    assert page.status_code == answer.status_code == status
    assert words in page.content.decode()
    assert words in answer.json()["problem"]


def test_a_socket_on_which_nobody_listens_is_told_in_one_line(tmp_path):
    (tmp_path / "gone.sock").touch()

    with pytest.raises(control.ControlError, match="is the lab running"):
        control.add_workers(tmp_path / "gone.sock", 1)
