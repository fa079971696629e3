"""Add workers to a running Gunicorn and remove them, through its control socket."""

import fcntl
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gunicorn.ctl.client import ControlClient, ControlClientError

from perflab.base import config
from perflab.base.numbers import quote

ANSWER_TIMEOUT_S = 5
# Gunicorn closes its control socket, and opens it anew, whenever it starts a worker. For so long a
# closed socket is asked again.
RETRY_FOR_S = 3
RETRY_PAUSE_S = 0.02
WORKERS_PER_CORE = 16


class ControlError(Exception):
    """The number of workers was not changed. The message is one line that says why."""


class InvalidOrder(ControlError):
    """The order cannot be carried out: an unknown action, or a number out of range."""


class ControlSocketClosed(ControlError):
    """The connection ended before Gunicorn answered, or nobody listens on the socket."""


@dataclass(frozen=True)
class WorkerChange:
    """How many workers Gunicorn had to keep before an order, and has to keep after it.

    Gunicorn answers first. Then it starts the new workers, or lets the removed ones finish their
    requests.
    """

    before: int
    after: int


def max_workers():
    """Return the most workers that a lab may have on this machine."""
    return min(config.MAX_WORKERS, WORKERS_PER_CORE * config.count_cores())


def add_workers(path, number):
    """Add so many workers and return the WorkerChange. Raises ControlError."""
    return change_workers(path, "add", number)


def remove_workers(path, number):
    """Remove so many workers and return the WorkerChange. Raises ControlError."""
    return change_workers(path, "remove", number)


def set_workers(path, number):
    """Have exactly so many workers and return the WorkerChange. Raises ControlError."""
    return change_workers(path, "set", number)


# What each action makes of the number of workers that Gunicorn keeps.
ACTIONS = {
    "add": lambda workers, number: workers + number,
    "remove": lambda workers, number: workers - number,
    "set": lambda workers, number: number,
}


def change_workers(path, action, number):
    """Carry out one of ACTIONS at this control socket and return the WorkerChange.

    Raises ControlError.
    """
    if action not in ACTIONS:
        raise InvalidOrder(f"the action must be {', '.join(ACTIONS)}, not {quote(action)}")
    with control_lock(path):
        before = ask_target_workers(path)
        after = ACTIONS[action](before, number)
        if number < 1 or not 1 <= after <= max_workers():
            raise InvalidOrder(
                f"{action} {number:,} is out of range: the lab has {before} and may have "
                f"1 to {max_workers()} workers here"
            )
        send_change(path, before, after)
    return WorkerChange(before, after)


def target_workers(path):
    """Return how many workers the Gunicorn at this control socket has to keep.

    Raises ControlError.
    """
    with control_lock(path):
        return ask_target_workers(path)


def send_change(path, workers, target):
    """Tell a Gunicorn that keeps so many workers to keep `target`. Raises ControlError."""
    while workers != target:
        difference = target - workers
        order = "worker add" if difference > 0 else "worker remove"
        try:
            send(path, f"{order} {abs(difference)}")
            return
        except ControlSocketClosed:
            # Gunicorn may have carried out the order before it closed the socket.
            workers = ask_target_workers(path)


def ask_target_workers(path):
    """Ask Gunicorn how many workers it has to keep, again while its socket is closed.

    Raises ControlError.
    """
    deadline = time.monotonic() + RETRY_FOR_S
    while True:
        try:
            return int(send(path, "show stats")["workers_target"])
        except ControlSocketClosed:
            if time.monotonic() > deadline:
                raise
        time.sleep(RETRY_PAUSE_S)


def send(path, command):
    """Return Gunicorn's answer to one command.

    Raises ControlSocketClosed, or ControlError where Gunicorn refuses the command.
    """
    try:
        with ControlClient(str(path), timeout=ANSWER_TIMEOUT_S) as gunicorn:
            return gunicorn.send_command(command)
    except ControlClientError as error:
        # An error of the connection has another error as its context, a refusal has none.
        if error.__context__ is None:
            raise ControlError(f"Gunicorn does not take orders: {error}") from None
        raise ControlSocketClosed(NOBODY_LISTENS.format(path=path)) from None


NOBODY_LISTENS = "no Gunicorn takes orders at {path}: is the lab running?"


@contextmanager
def control_lock(path):
    """Let one process at a time give orders: two together could exceed the maximum.

    Raises ControlError.
    """
    if not path:
        raise ControlError(
            "this lab has no control socket: it runs without Gunicorn, or the socket is turned off"
        )
    try:
        lock = os.open(Path(path).parent, os.O_RDONLY)
    except OSError:
        raise ControlError(NOBODY_LISTENS.format(path=path)) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
