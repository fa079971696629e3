"""Test the live view of the machine, and who may change the number of workers."""

import http.client
import json
import sys

import psutil
import pytest
from django.test import Client

from perflab.workers import scoreboard
from tests.support.services import wait_until
from tests.support.workers import board_of, counted, system_of, worker_on

DIAL = 'action="/system/workers/"'


@pytest.fixture
def client():
    return Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")


@pytest.fixture
def board(tmp_path):
    return scoreboard.Scoreboard(tmp_path / "scoreboard", slots=2, threads=4)


# The page and its JSON.


def test_every_request_is_counted_and_the_workers_are_gunicorns(lab):
    wait_until(lambda: not any(s.in_flight for s in scoreboard.read(board_of(lab))), "rest")
    before = counted(lab)

    for _ in range(10):
        lab.get("/io-bound/?ms=0")
    wait_until(lambda: counted(lab) >= before + 10, "the last one counted")
    state = system_of(lab)

    assert state["lab"]["requests"] == before + 10
    assert state["lab"]["master"] == lab.process.pid
    assert {worker["pid"] for worker in state["workers"]} == set(lab.worker_pids())
    assert [w["state"] for w in state["workers"] if w["answers"]] == ["busy"]
    assert state["note"] == ""


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
    state = system_of(lab)["machine"]

    assert state["memory_bytes"] == psutil.virtual_memory().total
    assert 0 < state["memory_available_bytes"] < state["memory_bytes"]
    assert all(0 < core["busy_s"] <= core["total_s"] for core in state["cores"])
    assert len(state["load_average"]) == 3
    if sys.platform == "linux":
        assert state["run_queue"] >= 1
        assert state["accept_queue"] == 0


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


@pytest.mark.django_db(databases="__all__")
def test_without_gunicorn_it_says_what_is_not_known(client):
    state = client.get("/system.json").json()
    page = client.get("/system/").content.decode()

    assert "was not started by Gunicorn" in state["note"]
    assert state["lab"] is None
    [worker] = state["workers"]
    assert (worker["requests"], worker["busy_s"]) == (None, None)
    assert worker["cpu_s"] > 0
    assert "was not started by Gunicorn" in page
    assert "not known" in page
    assert DIAL not in page


@pytest.mark.django_db(databases="__all__")
def test_a_scoreboard_that_has_gone_is_said_to_be(client, settings, tmp_path):
    settings.SCOREBOARD = str(tmp_path / "gone")

    assert "no scoreboard at" in client.get("/system.json").json()["note"]
    assert client.get("/system/").status_code == 200


@pytest.mark.django_db(databases="__all__")
def test_a_gunicorn_without_a_control_socket_is_said_to_have_no_dial(client, settings, board):
    _, writer = worker_on(board)
    writer.mark_ready()
    settings.SCOREBOARD, settings.CONTROL_SOCKET = str(board.path), ""

    page = client.get("/system/").content.decode()

    assert "no control socket" in page
    assert DIAL not in page
    settings.CONTROL_SOCKET = "somewhere"
    assert DIAL in client.get("/system/").content.decode()
    elsewhere = client.get("/system/", REMOTE_ADDR="10.0.0.9").content.decode()
    assert DIAL not in elsewhere
    assert "own machine" in elsewhere


# Orders to change the number of workers.


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
