"""Ask a real lab for its workers, its scoreboard and its control socket."""

import json
from contextlib import suppress

from perflab.workers import control, scoreboard
from tests.support.services import wait_until


def worker_on(board, threaded=False):
    number = board.reserve_slot()
    writer = scoreboard.SlotWriter(board, number, threaded)
    return number, writer


def system_of(lab):
    return json.loads(lab.get("/system.json").text)


def board_of(lab):
    return lab.var / f"scoreboard-{lab.port}"


def counted(lab):
    """All requests that the lab's workers have answered."""
    return scoreboard.snapshot(board_of(lab)).requests


def socket_of(lab):
    path = lab.var / "run" / f"gunicorn-{lab.port}.sock"
    wait_until(path.exists, "the control socket")
    return path


def target_workers(path):
    """How many workers Gunicorn is to keep; None while a reload opens its socket anew."""
    with suppress(control.ControlError):
        return control.target_workers(path)


def ready_workers(lab):
    return [slot.pid for slot in scoreboard.read(board_of(lab)) if slot.state != "starting"]
