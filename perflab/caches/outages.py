"""Caches that do not answer: what is raised then, and for how long nobody asks them again."""

import time

RETRY_AFTER_S = 0.5  # for how long nobody asks a backend that has failed

retry_at: dict[str, float] = {}  # by alias, in this process's monotonic time
refusing: set[str] = set()  # the aliases that have last refused an answer, and were not silent


class NoAnswer(Exception):
    """The backend does not answer, or has failed so recently that it is not asked."""


class CacheRefused(NoAnswer):
    """The backend answers that it will not: out of memory, too large a value, read-only."""


class NotLetIn(NoAnswer):
    """The backend wants another password. Nobody asks it for a while, as if it were silent."""


def is_down(alias: str) -> bool:
    """Return whether a backend has failed so recently that this process does not ask it."""
    return time.monotonic() < retry_at.get(alias, 0)
