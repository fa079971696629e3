"""Write the scoreboard: the master gives and frees slots, each worker counts in its own slot."""

import errno
import mmap
import os
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic_ns, time

from perflab.base.files import draft_of

from .latency import bucket_of, sum_latencies
from .layout import (
    BUCKET_COUNT,
    COUNTER,
    ENDED_LATENCY,
    HEADER,
    LATENCY,
    LATENCY_SUM,
    MAGIC,
    RESERVED,
    SLOT,
    counter_offsets,
    file_size,
    latency_offsets,
    slot_offset,
)
from .reading import NoScoreboard, read_slot, snapshot


class Scoreboard:
    """The scoreboard in Gunicorn's master, which alone reserves and releases slots."""

    def __init__(self, path, slots, threads):
        """Make the file, in place of one that an earlier run left. Raises OSError."""
        self.path, self.slots, self.threads = Path(path), slots, threads
        with draft_of(self.path, mode=0o600) as draft:
            with draft.open("r+b") as file:
                allocate(file, file_size(slots, threads))
                # Forked workers share this memory.
                self.map = mmap.mmap(file.fileno(), file_size(slots, threads))
            HEADER.pack_into(self.map, 0, MAGIC, slots, threads, os.getpid(), time(), 0, 0)

    def reserve_slot(self):
        """Return the number of a free slot, for a worker about to be forked.

        When all slots are taken, return that of the extra slot, which no reader reports.
        """
        for number in range(self.slots):
            begin = slot_offset(number, self.threads)
            if SLOT.unpack_from(self.map, begin)[0] == 0:
                SLOT.pack_into(self.map, begin, RESERVED, 0, time())
                return number
        return self.slots

    def release_slot(self, number):
        """Free the slot of a worker that has ended, and add what it has counted to the header."""
        begin, end = slot_offset(number, self.threads), slot_offset(number + 1, self.threads)
        ended = read_slot(self.map, begin, self.threads, monotonic_ns())
        latency = sum_latencies(self.map, [ENDED_LATENCY, *latency_offsets(begin, self.threads)])
        *fixed, requests, busy_ns = HEADER.unpack_from(self.map)
        self.map[begin:end] = bytes(end - begin)
        HEADER.pack_into(self.map, 0, *fixed, requests + ended.requests, busy_ns + ended.busy_ns)
        LATENCY.pack_into(self.map, ENDED_LATENCY, latency.ns, *latency.counts)

    def remove(self):
        """Delete the file, unless another Gunicorn has put its own there."""
        with suppress(OSError, NoScoreboard):
            if snapshot(self.path).master == os.getpid():
                self.path.unlink()


def allocate(file, size):
    """Make an empty file so many bytes of zeros, which the disk really has. Raises OSError.

    A file that is only made longer (truncate) has no blocks on the disk. On a full disk the first
    write to its memory would then end the process, by SIGBUS.
    """
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except AttributeError:  # macOS
        write_zeros(file, size)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        write_zeros(file, size)  # a file system that cannot allocate


def write_zeros(file, size):
    """Write so many bytes of zeros and wait until they are on the disk."""
    file.write(bytes(size))
    file.flush()
    os.fsync(file.fileno())


def remove_orphans(folder):
    """Delete the scoreboards in a folder whose Gunicorn has ended without deleting its own."""
    for path in Path(folder).glob("scoreboard-*"):
        with suppress(OSError, NoScoreboard):
            try:
                os.kill(snapshot(path).master, 0)
            except ProcessLookupError:
                path.unlink()


class SlotWriter:
    """A worker's own slot, in that worker."""

    def __init__(self, scoreboard, number, threaded):
        """Write this process into its slot. `threaded`: each request has a thread of its own."""
        self.map, self.offset = scoreboard.map, slot_offset(number, scoreboard.threads)
        self.free_counters = iter(counter_offsets(self.offset, scoreboard.threads))
        self.arrivals = {}  # by id of the request: under ASGI a request takes no attribute of ours
        self.local = threading.local()
        self.shared_counter = None if threaded else self.new_counter()
        self.started = time()
        SLOT.pack_into(self.map, self.offset, os.getpid(), 0, self.started)

    def mark_ready(self):
        """Say that the application is loaded."""
        SLOT.pack_into(self.map, self.offset, os.getpid(), 1, self.started)

    def begin_request(self, request=None, queued_ns=0):
        """Count a request that begins in this thread, after it has queued for so long."""
        counter = self.count(answered=0, begun=1)
        self.arrivals[id(request)] = counter[4] - queued_ns

    def end_request(self, request=None):
        """Count a request that has been answered, and how long its visitor waited."""
        counter = self.count(answered=1, begun=-1)
        arrived = self.arrivals.pop(id(request), None)
        if arrived is not None:
            waited_ns, offset = counter[4] - arrived, counter[0] + COUNTER.size
            total_ns = LATENCY_SUM.unpack_from(self.map, offset)[0]
            LATENCY_SUM.pack_into(self.map, offset, total_ns + waited_ns)
            offset += LATENCY_SUM.size + bucket_of(waited_ns) * BUCKET_COUNT.size
            count = BUCKET_COUNT.unpack_from(self.map, offset)[0]
            BUCKET_COUNT.pack_into(self.map, offset, count + 1 & 0xFFFFFFFF)

    def count(self, answered, begun):
        """Add to this thread's counter, and return it."""
        counter = self.shared_counter or getattr(self.local, "counter", None) or self.new_counter()
        offset, requests, in_flight, busy_ns, written = counter
        now = monotonic_ns()
        counter[1:] = (
            requests := requests + answered,
            under_way := in_flight + begun,
            busy_ns := busy_ns + in_flight * (now - written),
            now,
        )
        # All four numbers go in one copy, so that a reader never sees half of them.
        self.map[offset : offset + COUNTER.size] = COUNTER.pack(requests, under_way, busy_ns, now)
        return counter

    def new_counter(self):
        """Return a counter for this thread: its place in the file, then what stands there."""
        # There are never more threads than counters, unless a reload has changed the settings: then
        # the additional threads share the first counter.
        offset = next(self.free_counters, self.offset + SLOT.size)
        counter = self.local.counter = [offset, 0, 0, 0, monotonic_ns()]
        return counter
