"""Who plays a story that changes data, and what that data was before.

One plays at a time. What the data was stands in `var/stories/` from before the first change until
it is restored, so a story whose browser has gone is undone by whoever plays next.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from perflab import caches
from perflab.base import files
from perflab.catalogue.registry import StoryData, experiments

TURN_S = 30  # a turn ends so long after the last sign of life

Json = dict[str, Any]


class NotYourTurn(Exception):
    """Somebody else plays a story that changes the same data. The message is one line."""


def begin(data: StoryData, turn: str) -> None:
    """Take the turn, and remember what the data is. Raises NotYourTurn."""
    with _locked(data) as path:
        record = _read(path)
        if record and record["turn"] != turn and _lasts(record):
            raise NotYourTurn("Somebody else plays a story that changes the same data.")
        if record:
            _restore(data, record)
        _write(path, turn, data.read())


def restart(data: StoryData, turn: str) -> None:
    """Make the data what it was when the turn began. Raises NotYourTurn."""
    with _own_record(data, turn) as (path, record):
        _restore(data, record)
        _write(path, turn, record["before"])


def extend(data: StoryData, turn: str) -> None:
    """Keep the turn for longer; refuse a change while somebody else has it. Raises NotYourTurn.

    Without a turn a change is made only while nobody plays.
    """
    with _locked(data) as path:
        record = _read(path)
        if record and record["turn"] == turn:
            _write(path, turn, record["before"])
        elif turn or (record and _lasts(record)):
            raise NotYourTurn("Somebody else plays a story that changes the same data.")


def end(data: StoryData, turn: str) -> None:
    """Restore the data and give the turn back. Raises NotYourTurn."""
    with _own_record(data, turn) as (path, record):
        _restore(data, record)
        path.unlink()


def flush_others(data: StoryData, slug: str = "") -> None:
    """Empty the caches of all experiments that show this data, but for the one of this slug."""
    for experiment in experiments.values():
        if experiment.story_data is data and experiment.slug != slug:
            caches.flush(experiment.slug)


@contextmanager
def _own_record(data: StoryData, turn: str) -> Iterator[tuple[Path, Json]]:
    with _locked(data) as path:
        record = _read(path)
        if not record or record["turn"] != turn:
            raise NotYourTurn("The turn is over: somebody else has begun to play.")
        yield path, record


def _restore(data: StoryData, record: Json) -> None:
    data.restore(record["before"])
    flush_others(data)


@contextmanager
def _locked(data: StoryData) -> Iterator[Path]:
    """Yield the path of the data's record, which no other process reads or writes meanwhile."""
    folder = Path(settings.VAR) / "stories"
    folder.mkdir(exist_ok=True)
    with open(folder / f"{data.name}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / f"{data.name}.json"


def _read(path: Path) -> Json | None:
    record = files.read_json(path, dict)
    return record if record and {"turn", "until", "before"} <= record.keys() else None


def _lasts(record: Json) -> bool:
    """Return whether a turn goes on. One that ends too late was begun while a clock was wrong."""
    until = record["until"]
    return isinstance(until, (int, float)) and 0 < until - time.time() <= TURN_S


def _write(path: Path, turn: str, before: Any) -> None:
    files.write_json(path, {"turn": turn, "until": time.time() + TURN_S, "before": before})
