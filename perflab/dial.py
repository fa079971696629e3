"""The worker dial: more or fewer workers of a Gunicorn that runs, through its control socket."""

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gunicorn.ctl.client import ControlClient, ControlClientError

from .launcher import values

ANSWER_S = 5  # how long Gunicorn may take
WORKERS_A_CORE = 16
ACTIONS = ("add", "remove", "set")


class DialError(Exception):
    """The dial was not turned. The message is one line that says why."""


class BadTurn(DialError):
    """It was asked for what cannot be."""


@dataclass(frozen=True)
class Turn:
    """What turning the dial did: how many workers Gunicorn had to keep, and has to keep now.

    It starts them, or lets them finish what they are doing, after it has answered.
    """

    before: int
    after: int


def ceiling() -> int:
    """The most workers that the dial goes to."""
    return min(values.MAX_WORKERS, WORKERS_A_CORE * values.cores())


def workers(path) -> int:
    """How many workers the Gunicorn at this control socket is to keep. Raises DialError."""
    with ordering(path) as gunicorn:
        return wanted(gunicorn)


def turn(path, action: str, number: int) -> Turn:
    """Add so many workers, remove so many, or have so many. Raises DialError."""
    if action not in ACTIONS:
        raise BadTurn(f"the dial can {', '.join(ACTIONS)}, not {values.shown(action)}")
    with ordering(path) as gunicorn:
        before = wanted(gunicorn)
        after = {"add": before + number, "remove": before - number, "set": number}[action]
        if number < 1 or not 1 <= after <= ceiling():
            raise BadTurn(
                f"{action} {number:,} is out of range: the lab has {before} and may have "
                f"1 to {ceiling()} workers here"
            )
        if after > before:
            send(gunicorn, f"worker add {after - before}")
        elif after < before:
            send(gunicorn, f"worker remove {before - after}")
    return Turn(before, after)


def wanted(gunicorn) -> int:
    return int(send(gunicorn, "show stats")["workers_target"])


def send(gunicorn, command):
    try:
        return gunicorn.send_command(command)
    except ControlClientError as error:
        raise DialError(f"Gunicorn does not take orders: {error}") from None


@contextmanager
def ordering(path):
    """A connection to a control socket, one at a time: two turns may not pass the ceiling."""
    if not path:
        raise DialError(
            "this lab has no control socket: it runs without Gunicorn, or its own is off"
        )
    path = Path(path)
    try:
        lock = os.open(path.parent, os.O_RDONLY)
    except OSError:
        raise DialError(f"no Gunicorn takes orders at {path}: is the lab running?") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with ControlClient(str(path), timeout=ANSWER_S) as gunicorn:
                yield gunicorn
        except ControlClientError:
            raise DialError(f"no Gunicorn takes orders at {path}: is the lab running?") from None
    finally:
        os.close(lock)
