"""Whether films are being written now, by whom and how far: for pages, and for judging a run.

Whoever writes films holds a lock for as long, and tells in a file how far it has come. Whatever
ends that process frees the lock. Both lie beside the record of the collection.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from perflab.base import files
from perflab.base.processes import is_held

from . import collection

EVERY_S = 0.25  # how often the file is written
KILLED = "It was ended from outside before it was done."

Tell = Callable[[str, int], None]  # takes what is being done, and how many films there are so far


@dataclass(frozen=True)
class Seeding:
    """One run that writes films, under way or ended."""

    pid: int
    begun: float  # seconds since the epoch
    target: int | None  # films there are to be; None where that is not known
    by_page: bool  # whether a page started it
    stage: str = "starting"
    films: int = 0  # so far, of those being written
    ended: float | None = None
    was_stopped: bool = False  # somebody asked it to stop
    problem: str = ""  # why it failed, in one line

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Seeding | None":
        """Return the run that a file tells of; None where it tells of none."""
        with suppress(TypeError):
            return cls(**values)
        return None


_inherited: IO[bytes] | None = None  # the lock, where the page that started us has taken it


def is_seeding() -> bool:
    """Return whether films are being written now, by a process of this machine."""
    return is_held(open_lock)


def read() -> Seeding | None:
    """Return the run that writes films now, or else the last one that a page started, or None.

    A run that ended without a word has a `problem`.
    """
    was_seeding = is_seeding()
    found = Seeding.from_json(files.read_json(state_path(), dict, {}))
    if found and found.ended is None and not was_seeding:
        return replace(found, ended=found.begun, problem=KILLED)
    return found


def write(state: Seeding) -> None:
    """Write how far a run has come. On a full disk nothing is written."""
    with suppress(OSError):
        files.write_json(state_path(), asdict(state))


@contextmanager
def announced(target: int | None, on_wait: Callable[[], None]) -> Iterator[Tell]:
    """While the block runs, let the lab know that films are being written.

    Yield the function that tells how far it has come. If another process of this machine is writing
    films, call `on_wait` and wait for it.
    """
    state = Seeding(os.getpid(), time.time(), target, by_page=_inherited is not None)
    told = 0.0

    def tell(stage: str, films: int) -> None:
        nonlocal state, told
        if stage != state.stage or time.monotonic() - told > EVERY_S:
            told = time.monotonic()
            state = replace(state, stage=stage, films=films or state.films)
            write(state)

    if _inherited:
        yield tell
        return
    try:
        lock = open_lock()
    except OSError:  # a var/ in which nobody can write
        yield lambda stage, films: None
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield tell
        finally:
            if told:
                write(replace(state, ended=time.time()))


def inherit(lock: IO[bytes]) -> None:
    """Go on with a lock that the process that started this one has taken."""
    global _inherited
    _inherited = lock


def open_lock() -> IO[bytes]:
    """Open the file whose lock is held by whoever writes films. Raises OSError."""
    path = collection.record_path().with_name("lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "ab")


def state_path() -> Path:
    """Return the path of the file that tells how far a run has come."""
    return collection.record_path().with_name("seeding.json")
