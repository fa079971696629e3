"""Test Gunicorn's control socket: it changes the number of workers and loses no request."""

import signal
import threading

import pytest

from perflab.workers import control, scoreboard
from tests.support.services import wait_until
from tests.support.workers import board_of, counted, ready_workers, socket_of, target_workers


def test_the_number_of_workers_changes_and_no_request_is_lost(start_lab):
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
        wait_until(lambda: len(ready_workers(lab)) == 3, "three workers")
        assert control.set_workers(path, 2) == control.WorkerChange(3, 2)
        wait_until(lambda: len(ready_workers(lab)) == 2, "two workers")
        assert control.set_workers(path, 2) == control.WorkerChange(2, 2)
        lab.process.send_signal(signal.SIGHUP)  # a reload starts them all anew, as many as at first
        wait_until(lambda: target_workers(path) == 1, "the reload")
        wait_until(lambda: len(scoreboard.read(board_of(lab))) == 1, "one worker")
        wait_until(lambda: len(statuses) > 20, "some answers")
    finally:
        done.set()
        for thread in loading:
            thread.join()

    assert set(statuses) == {200}
    wait_until(lambda: counted(lab) >= len(statuses), "all counted, of ended workers too")
    with pytest.raises(control.InvalidOrder, match="may have 1 to"):
        control.add_workers(path, control.max_workers())
    with pytest.raises(control.InvalidOrder, match="may have 1 to"):
        control.remove_workers(path, 1)
    assert control.target_workers(path) == 1


@pytest.mark.long
def test_a_socket_on_which_nobody_listens_is_reported_in_one_line(tmp_path):
    (tmp_path / "gone.sock").touch()

    with pytest.raises(control.ControlError, match="is the lab running"):
        control.add_workers(tmp_path / "gone.sock", 1)
