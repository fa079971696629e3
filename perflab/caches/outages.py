"""Caches that do not answer: what is raised then, and for how long nobody asks them again."""

import time

LEFT_ALONE_S = 0.5  # for how long nobody asks a backend that has failed

left_alone_until: dict[str, float] = {}  # alias -> monotonic time; of this process


class NoAnswer(Exception):
    """The backend is away, or is being left alone."""


class CacheRefused(NoAnswer):
    """The backend is there, and will not do it: out of memory, too large a value, read-only."""


def down(alias) -> bool:
    """Whether a backend has failed a moment ago, so that this process leaves it alone."""
    return time.monotonic() < left_alone_until.get(alias, 0)
