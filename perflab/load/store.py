"""The runs in var/runs/: written whole, read whatever lies there, and whether one goes on."""

import re
from contextlib import suppress
from datetime import timedelta

import psutil
from django.conf import settings
from django.utils import timezone

from perflab.base.files import newest_first, read_json, write_json
from perflab.base.record import Malformed

from .model import AUTOSCALE, Run

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
SHOWN = 60  # newest runs on the list


def folder():
    """Return the folder of all kept runs."""
    return settings.VAR / "runs"


def path_of(run_id):
    """Return the path of a run's file."""
    return folder() / f"{run_id}.json"


def report_path(run_id, number):
    """Return the path of Locust's HTML report of a point, the first being 1; it is compressed."""
    return folder() / f"{run_id}-{number}.html.gz"


def write(run):
    """Write a run into var/runs/, whole or not at all."""
    folder().mkdir(exist_ok=True)
    write_json(path_of(run.id), run.to_json(), indent=1)


def write_record(record):
    """Write the run that another package recorded as a file has it. Raises Malformed."""
    write(Run.from_json(record))


def finish(run, state):
    """Write a run that nobody works on any more."""
    run.state = state
    run.pid = run.progress = None
    write(run)


def names():
    """Return the ids of all kept runs, the newest first: they begin with their date.

    Those dated in the future come last.
    """
    found = (path.stem for path in folder().glob("[!.]*.json"))
    tomorrow = f"{timezone.now() + timedelta(days=1):%Y%m%d-%H%M%S}"  # whatever the time zones
    return sorted(found, key=lambda name: (name < tomorrow, name), reverse=True)


def read(run_id):
    """Return a kept run. Raises KeyError when there is none of that id, or no run in its file."""
    if not ID.fullmatch(run_id):
        raise KeyError(run_id)
    try:
        return Run.from_json(read_json(path_of(run_id), dict), id=run_id)
    except Malformed:
        raise KeyError(run_id) from None


def newest(count=SHOWN):
    """Return the newest runs that can be read."""
    found = []
    for name in names()[:count]:
        with suppress(KeyError):
            found.append(read(name))
    return found


def newest_of(kind):
    """Return the newest kept run of a kind, among those on the list; None without one."""
    return next((run for run in newest() if run.kind == kind), None)


def is_running(run):
    """Return whether a process still measures it; a run that was killed says "running" too."""
    if run.state != "running" or run.pid is None or run.date is None:
        return False
    with suppress(psutil.Error, ValueError, OverflowError):
        process = psutil.Process(run.pid)
        # Another process may have got the pid since.
        is_old = process.create_time() < run.date.timestamp() + 2
        return is_old and process.status() != psutil.STATUS_ZOMBIE
    return False


def state_of(run):
    """Return the state in a word; a run whose process is gone was broken off."""
    gone = run.state == "running" and not is_running(run)
    return "broken off" if gone else run.state


def under_way():
    """Return the load run that goes on now, from a terminal or from a page; None without one.

    An auto-scaler's run does not count: it watches a lab and does not load it.
    """
    for path in newest_first(folder(), "[!.]*.json")[:10]:
        with suppress(KeyError):
            run = read(path.stem)
            if run.kind != AUTOSCALE and is_running(run):
                return run
    return None


def reports(run):
    """Return the numbers of the points whose report by Locust is kept."""
    numbers = range(1, len(run.points) + 1)
    return [number for number in numbers if report_path(run.id, number).exists()]
