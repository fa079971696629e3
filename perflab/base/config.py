"""What a person asks for on the command line or in the environment, checked."""

import os
from pathlib import Path

MAX_WORKERS = 64
MAX_THREADS = 64
MAX_MOVIES = 5_000_000


class Problem(Exception):
    """Something that a person can put right. Its text is one line; `status` is the exit status."""

    def __init__(self, line, status=1):
        super().__init__(line)
        self.status = status


def variable(name):
    """An environment variable's text; one that is set to nothing counts as not set."""
    return os.environ.get(name, "").strip()


def whole_number(name, text, low, high):
    """The number that `text` writes; Problem when it is none, or not from `low` to `high`."""
    if text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high:
        return int(text)
    raise Problem(f"{name} must be a whole number from {low} to {high}, not {shown(text)}.", 2)


def number_from_environment(name, default, low, high):
    text = variable(name)
    return whole_number(name, text, low, high) if text else default


def shown(text):
    """What was given, short enough for a line."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def is_public():
    """Whether others may reach this lab (PERFLAB_PUBLIC=1)."""
    return variable("PERFLAB_PUBLIC") == "1"


def cores():
    """How many cores this process may use: its affinity and its control group's quota count."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        count = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no such limit: the quota is "max"
        pass
    return count


def one_worker_per_core():
    """How many workers there are where nobody asked for a number."""
    return min(cores(), MAX_WORKERS)


def workers():
    """Gunicorn's worker processes, unless something else is asked for."""
    return number_from_environment("WEB_CONCURRENCY", one_worker_per_core(), 1, MAX_WORKERS)


def threads():
    """The threads of each worker, unless something else is asked for."""
    return number_from_environment("WEB_THREADS", 1, 1, MAX_THREADS)


def port():
    """The port, unless something else is asked for."""
    return number_from_environment("PORT", 8000, 1, 65535)
