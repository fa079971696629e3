"""What a person asks for on the command line or in the environment, checked."""

import os
from pathlib import Path

from perflab.base import numbers

MAX_WORKERS = 64
MAX_THREADS = 64
MAX_MOVIES = 5_000_000


class Problem(Exception):
    """Say what a person can put right, in one line; `status` is the program's exit status."""

    def __init__(self, line: str, status: int = 1) -> None:
        super().__init__(line)
        self.status = status


def read_variable(name: str) -> str:
    """Return an environment variable's text; "" where it is missing or set to nothing."""
    return os.environ.get(name, "").strip()


def read_whole_number(name: str, text: str, low: int, high: int) -> int:
    """Return the whole number that a text writes; `name` is what Problem says that it is."""
    try:
        return numbers.whole_number(text, low, high)
    except ValueError as error:
        raise Problem(f"{name} {error}.", 2) from error


def read_number_variable(name: str, default: int, low: int, high: int) -> int:
    """Return the number in an environment variable, or `default`. Raises Problem."""
    text = read_variable(name)
    return read_whole_number(name, text, low, high) if text else default


def is_public() -> bool:
    """Return whether others may reach this lab (PERFLAB_PUBLIC=1)."""
    return read_variable("PERFLAB_PUBLIC") == "1"


def count_cores() -> int:
    """Return how many cores this process may use, by its affinity and its control group's quota."""
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


def count_default_workers() -> int:
    """Return how many workers there are where nobody asks for a number: one for each core."""
    return min(count_cores(), MAX_WORKERS)


def read_workers() -> int:
    """Return how many worker processes Gunicorn has, by WEB_CONCURRENCY. Raises Problem."""
    return read_number_variable("WEB_CONCURRENCY", count_default_workers(), 1, MAX_WORKERS)


def read_threads() -> int:
    """Return how many threads each worker has, by WEB_THREADS. Raises Problem."""
    return read_number_variable("WEB_THREADS", 1, 1, MAX_THREADS)


def read_port() -> int:
    """Return the port that the lab listens on, by PORT. Raises Problem."""
    return read_number_variable("PORT", 8000, 1, 65535)
