"""The expensive pages that all workers have under way, so that no more begin than can be made.

Each worker counts its own in its slot; a worker that dies takes its count with it.
"""

import threading
from contextlib import contextmanager

from .layout import EXPENSIVE, HEADER, SLOT, used_slots

_own = []  # the SlotWriter of this worker; none under another server
_lock = threading.Lock()


class TooMany(Exception):
    """No other expensive page can begin now."""


def set_own_slot(writer):
    """Remember the slot of this worker. gunicorn.conf.py calls this in each worker."""
    _own[:] = [writer]


@contextmanager
def expensive_page(ms, may_begin):
    """Count a page that is expected to take so many ms while the block runs.

    `may_begin(pages, ms, places)` says whether it may, from the expensive pages under way, the ms
    that they and this one are expected to take, and the requests that all workers can serve at
    once. Raises TooMany where it may not. Two workers that begin at once may both be let in.
    """
    if not _own:
        yield
        return
    [writer] = _own
    pages, under_way_ms, places = count(writer.map)
    if not may_begin(pages, under_way_ms + ms, places):
        raise TooMany
    add(writer, 1, ms)
    try:
        yield
    finally:
        add(writer, -1, -ms)


def count(board):
    """Return the expensive pages under way, their expected ms, and the places of all workers."""
    _, slots, threads, *_ = HEADER.unpack_from(board)
    begins = used_slots(board, slots, threads)
    found = [EXPENSIVE.unpack_from(board, begin + SLOT.size) for begin in begins]
    return sum(one[0] for one in found), sum(one[1] for one in found), len(begins) * threads


def add(writer, pages, ms):
    """Add to what this worker has under way."""
    place = writer.offset + SLOT.size
    with _lock:
        before = EXPENSIVE.unpack_from(writer.map, place)
        EXPENSIVE.pack_into(writer.map, place, before[0] + pages, before[1] + ms)
