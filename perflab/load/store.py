"""The runs in var/runs/, read: whatever lies there, no page may break on it."""

import re
from contextlib import suppress
from datetime import datetime

import psutil

from perflab.base.files import read_json

from . import run as runs

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
SHOWN = 60  # newest runs on the list


def names():
    """The ids of all kept runs, the newest first: they begin with their date."""
    return sorted((path.stem for path in runs.folder().glob("[!.]*.json")), reverse=True)


def load(name) -> dict:
    """A kept run. Raises KeyError when there is none of that id, or no run in its file."""
    run = read_json(runs.folder() / f"{name}.json", dict) if ID.fullmatch(name) else None
    if run is None or not run.get("version"):
        raise KeyError(name)
    empty = {"state": "", "verdict": "", "warnings": [], "alone": {}}
    points = run.get("points") if isinstance(run.get("points"), list) else []
    return {"scenario": run.get("kind"), **empty, **run, "points": points, "id": name}


def newest(count=SHOWN) -> list[dict]:
    """The newest runs that can be read."""
    found = []
    for name in names()[:count]:
        with suppress(KeyError):
            found.append(load(name))
    return found


def date_of(run):
    """When it began, as a datetime; None where it does not say."""
    with suppress(KeyError, TypeError, ValueError):
        return datetime.fromisoformat(run["date"])
    return None


def is_running(run) -> bool:
    """Whether its process still measures it; a run that was killed says "running" too."""
    if run["state"] != "running" or not isinstance(run.get("pid"), int):
        return False
    with suppress(psutil.Error, ValueError):
        process = psutil.Process(run["pid"])
        began = date_of(run)
        # Another process may have got the pid since.
        is_old = began is not None and process.create_time() < began.timestamp() + 2
        return is_old and process.status() != psutil.STATUS_ZOMBIE
    return False


def state_of(run) -> str:
    """The state in a word; a run whose process is gone was broken off."""
    gone = run["state"] == "running" and not is_running(run)
    return "broken off" if gone else str(run["state"])


def under_way():
    """The load run that goes on just now, from a terminal or from a page; None without one.

    An auto-scaler is none: it watches a lab and does not load it.
    """
    going = (run for run in newest(10) if run.get("kind") != "autoscale" and is_running(run))
    return next(going, None)


def reports(run) -> list[int]:
    """The numbers of the points whose report by Locust is kept."""
    numbers = range(1, len(run["points"]) + 1)
    return [number for number in numbers if runs.report_of(run["id"], number).exists()]
