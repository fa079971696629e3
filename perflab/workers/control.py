"""The worker dial: more or fewer workers of a Gunicorn that runs, through its control socket."""

import fcntl
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gunicorn.ctl.client import ControlClient, ControlClientError

from perflab.base import config
from perflab.base.numbers import quote

ANSWER_S = 5  # how long Gunicorn may take
# Gunicorn closes its control socket, and opens it anew, whenever it starts a worker.
PATIENCE_S = 3
PAUSE_S = 0.02
WORKERS_A_CORE = 16
ACTIONS = ("add", "remove", "set")


class DialError(Exception):
    """The dial was not turned. The message is one line that says why."""


class BadTurn(DialError):
    """It was asked for what cannot be."""


class HungUp(DialError):
    """The connection ended before there was an answer."""


@dataclass(frozen=True)
class Turn:
    """What turning the dial did: how many workers Gunicorn had to keep, and has to keep now.

    It starts them, or lets them finish what they are doing, after it has answered.
    """

    before: int
    after: int


def ceiling() -> int:
    """The most workers that the dial goes to."""
    return min(config.MAX_WORKERS, WORKERS_A_CORE * config.count_cores())


def workers(path) -> int:
    """How many workers the Gunicorn at this control socket is to keep. Raises DialError."""
    with alone_at(path):
        return wanted(path)


def turn(path, action: str, number: int) -> Turn:
    """Add so many workers, remove so many, or have so many. Raises DialError."""
    if action not in ACTIONS:
        raise BadTurn(f"the dial can {', '.join(ACTIONS)}, not {quote(action)}")
    with alone_at(path):
        before = wanted(path)
        after = {"add": before + number, "remove": before - number, "set": number}[action]
        if number < 1 or not 1 <= after <= ceiling():
            raise BadTurn(
                f"{action} {number:,} is out of range: the lab has {before} and may have "
                f"1 to {ceiling()} workers here"
            )
        bring(path, before, after)
    return Turn(before, after)


def bring(path, now, after):
    """Have Gunicorn keep `after` workers where it keeps `now`, though it may hang up."""
    while now != after:
        command = f"worker add {after - now}" if after > now else f"worker remove {now - after}"
        try:
            send(path, command)
            return
        except HungUp:  # before it heard the order, or after
            now = wanted(path)


def wanted(path) -> int:
    """How many workers it is to keep, asked until it answers. Raises DialError."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            return int(send(path, "show stats")["workers_target"])
        except HungUp:
            if time.monotonic() > give_up:
                raise
        time.sleep(PAUSE_S)


def send(path, command):
    """Gunicorn's answer to one command. Raises HungUp, or DialError where it says no."""
    try:
        with ControlClient(str(path), timeout=ANSWER_S) as gunicorn:
            return gunicorn.send_command(command)
    except ControlClientError as error:
        # Its own errors have no cause; those of the connection were raised from another one's.
        if error.__context__ is None:
            raise DialError(f"Gunicorn does not take orders: {error}") from None
        raise HungUp(f"no Gunicorn takes orders at {path}: is the lab running?") from None


@contextmanager
def alone_at(path):
    """One at a time at a control socket: two turns may not pass the ceiling. Raises DialError."""
    if not path:
        raise DialError(
            "this lab has no control socket: it runs without Gunicorn, or its own is off"
        )
    try:
        lock = os.open(Path(path).parent, os.O_RDONLY)
    except OSError:
        raise DialError(f"no Gunicorn takes orders at {path}: is the lab running?") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
