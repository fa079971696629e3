"""Caches that do not answer: what is raised then, and for how long nobody asks them again."""

import time

RETRY_AFTER_S = 0.5  # for how long nobody asks a backend that has failed

retry_at: dict[str, float] = {}  # by alias, in this process's monotonic time


class NoAnswer(Exception):
    """The backend does not answer, or has failed so recently that it is not asked."""


class CacheRefused(NoAnswer):
    """The backend answers that it will not: out of memory, too large a value, read-only."""


def is_down(alias: str) -> bool:
    """Return whether a backend has failed so recently that this process does not ask it."""
    return time.monotonic() < retry_at.get(alias, 0)
