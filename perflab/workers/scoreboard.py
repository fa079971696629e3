"""What each of Gunicorn's workers is doing, in a small file that all of them share.

Gunicorn's master makes it and gives each worker a slot. The worker writes into its own memory map,
before and after each request, without a lock. Whoever wants to know reads the file:

    for slot in scoreboard.read(path):
        print(slot.pid, slot.state, slot.requests)

A slot has a lane for each thread, which no other thread writes to. Where one thread runs many
requests at once (gevent, ASGI) they share a lane: it is not interrupted while it counts.

How long its visitors waited for each answer, from the arrival of the request on, is counted in
buckets: the difference of two readings has the percentiles of the time between them.
"""

import math
import mmap
import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from struct import error as StructError
from time import monotonic_ns, time

MAGIC = b"perflab2"
HEADER = Struct("<8sqqqdqq")  # magic, slots, lanes, master, started, requests and busy ns of ended
SLOT = Struct("<qqdq")  # pid (0: free), whether it is ready, started, nothing yet
LANE = Struct("<qqqq")  # requests done, requests under way, busy ns, when that was written
BUCKETS, AN_OCTAVE, LOWEST_NS = 136, 8, 250_000  # up to 32 s, each 9 % wide
LATENCY = Struct(f"<q{BUCKETS}I")  # ns of all answers, how many there are in each bucket
SUM, COUNT = Struct("<q"), Struct("<I")
LANE_SIZE = LANE.size + LATENCY.size
FIRST = HEADER.size + LATENCY.size  # where the slots begin: behind the latency of ended workers
TCP_INFO = getattr(socket, "TCP_INFO", None)
LAST_DATA_RECV = Struct("=52xI")  # ms since the other side's last data came
UNACKED = Struct("=24xI")  # for a socket that listens: connections that nobody accepted yet
TAKEN = -1  # a worker is being forked and has not written its pid

# The sockets at which this worker's Gunicorn listens: gunicorn.conf.py fills them in, in each
# worker. Under another server there are none.
listening: list[socket.socket] = []


class NoScoreboard(Exception):
    """There is no scoreboard in this file. The message says why, in one line."""


@dataclass(frozen=True)
class Slot:
    """One worker, as the scoreboard knows it."""

    pid: int
    state: str  # "starting", "idle" or "busy"
    requests: int  # answered since it started
    in_flight: int  # under way now
    busy_ns: int  # spent in requests, those under way included; those of its threads added up
    started: float  # seconds since the epoch
    threads: int  # that have a lane


@dataclass(frozen=True)
class Snapshot:
    """The whole scoreboard at one moment. What has been counted is never lost: see `ended_`."""

    master: int  # pid
    started: float
    slots: list[Slot]
    ended_requests: int  # of workers that are no more
    ended_busy_ns: int
    latency: "Latency"  # of all answers so far, ended workers' included


@dataclass(frozen=True)
class Latency:
    """How long visitors waited, counted: from the arrival of a request until it was answered."""

    ns: int  # of all of them together
    counts: tuple[int, ...]  # in each bucket

    def since(self, before):
        """That of the answers which came after `before`."""
        pairs = zip(self.counts, before.counts, strict=True)
        return Latency(self.ns - before.ns, tuple(max(0, now - then) for now, then in pairs))

    def percentile_ms(self, share):
        """The time that this share of the answers did not exceed, to 5 %; None of no answers."""
        wanted, counted = share * sum(self.counts), 0
        for number, count in enumerate(self.counts):
            counted += count
            if count and counted >= wanted:
                return LOWEST_NS / 1e6 * 2 ** ((number + 0.5) / AN_OCTAVE)
        return None


def read(path) -> list[Slot]:
    """The workers that there are, oldest first. Raises NoScoreboard."""
    return snapshot(path).slots


def snapshot(path) -> Snapshot:
    """The scoreboard in a file. Raises NoScoreboard."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise NoScoreboard(
            f"no scoreboard at {path} ({error.strerror}): is the lab running?"
        ) from None
    if content[: len(MAGIC)] != MAGIC or len(content) < HEADER.size:
        raise NoScoreboard(f"{path} is not a scoreboard of this version")
    _, slots, lanes, master, started, requests, busy_ns = HEADER.unpack_from(content)
    if len(content) < size(slots, lanes):
        raise NoScoreboard(f"the scoreboard at {path} is cut off")
    now = monotonic_ns()
    places = (place(number, lanes) for number in range(slots))
    taken = [begin for begin in places if SLOT.unpack_from(content, begin)[0] > 0]
    found = [slot_at(content, begin, lanes, now) for begin in taken]
    latency = latency_of(content, [HEADER.size, *(at for b in taken for at in latencies(b, lanes))])
    found.sort(key=lambda slot: slot.started)
    return Snapshot(master, started, found, requests, busy_ns, latency)


def size(slots, lanes):
    """The bytes of a scoreboard, with a slot for those who find none."""
    return place(slots + 1, lanes)


def place(slot, lanes):
    """Where a slot begins."""
    return FIRST + slot * (SLOT.size + lanes * LANE_SIZE)


def lanes_of(begin, lanes):
    """Where the lanes of a slot begin."""
    return [begin + SLOT.size + number * LANE_SIZE for number in range(lanes)]


def latencies(begin, lanes):
    """Where the latencies of a slot's lanes stand."""
    return [lane + LANE.size for lane in lanes_of(begin, lanes)]


def latency_of(content, places):
    """What stands at these places, added up."""
    ns, *counts = map(sum, zip(*(LATENCY.unpack_from(content, at) for at in places), strict=True))
    return Latency(ns, tuple(counts))


def bucket(ns):
    """The bucket in which a time is counted."""
    if ns <= LOWEST_NS:
        return 0
    return min(int(math.log2(ns / LOWEST_NS) * AN_OCTAVE), BUCKETS - 1)


def waited_ns(request):
    """How long Gunicorn's request has been at the door: since its last data reached this machine.

    The kernel knows to some milliseconds. 0 where it does not tell, or under ASGI: there a request
    is taken at once.
    """
    try:
        connection = request.unreader.sock
        info = connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, LAST_DATA_RECV.size)
        return LAST_DATA_RECV.unpack(info)[0] * 1_000_000
    except (AttributeError, OSError, TypeError, StructError):  # a Unix socket, macOS
        return 0


def slot_at(content, begin, lanes, now):
    pid, ready, started, _ = SLOT.unpack_from(content, begin)
    requests = in_flight = busy_ns = 0
    for lane in lanes_of(begin, lanes):
        done, running, busy, at = LANE.unpack_from(content, lane)
        requests += done
        in_flight += running
        busy_ns += busy + running * max(0, now - at)
    state = "starting" if not ready else "busy" if in_flight else "idle"
    return Slot(pid, state, requests, in_flight, busy_ns, started, lanes)


class Board:
    """The scoreboard in Gunicorn's master, which alone gives and takes slots."""

    def __init__(self, path, slots, lanes):
        """Make the file, in place of one that an earlier run left. Raises OSError."""
        self.path, self.slots, self.lanes = Path(path), slots, lanes
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with draft.open("w+b") as file:
            os.fchmod(file.fileno(), 0o600)
            file.truncate(size(slots, lanes))
            self.map = mmap.mmap(file.fileno(), size(slots, lanes))  # shared with what is forked
        HEADER.pack_into(self.map, 0, MAGIC, slots, lanes, os.getpid(), time(), 0, 0)
        draft.replace(self.path)

    def reserve(self):
        """The number of a free slot, for a worker about to be forked.

        When all are taken it is that of one more, in which nobody looks.
        """
        for number in range(self.slots):
            begin = place(number, self.lanes)
            if SLOT.unpack_from(self.map, begin)[0] == 0:
                SLOT.pack_into(self.map, begin, TAKEN, 0, time(), 0)
                return number
        return self.slots

    def release(self, number):
        """Free the slot of a worker that has ended; what it did is kept in the header."""
        begin, end = place(number, self.lanes), place(number + 1, self.lanes)
        ended = slot_at(self.map, begin, self.lanes, monotonic_ns())
        latency = latency_of(self.map, [HEADER.size, *latencies(begin, self.lanes)])
        *fixed, requests, busy_ns = HEADER.unpack_from(self.map)
        self.map[begin:end] = bytes(end - begin)
        HEADER.pack_into(self.map, 0, *fixed, requests + ended.requests, busy_ns + ended.busy_ns)
        LATENCY.pack_into(self.map, HEADER.size, latency.ns, *latency.counts)

    def remove(self):
        """Delete the file, unless another Gunicorn has put its own there."""
        with suppress(OSError, NoScoreboard):
            if snapshot(self.path).master == os.getpid():
                self.path.unlink()


class Line:
    """A worker's own slot, in that worker."""

    def __init__(self, board, number, threaded):
        """Write this process into its slot. `threaded`: each request has a thread of its own."""
        self.map, self.slot = board.map, place(number, board.lanes)
        self.places = iter(lanes_of(self.slot, board.lanes))
        self.arrivals = {}  # of the requests under way: requests of ASGI hold nothing of ours
        self.own = threading.local()
        self.shared = None if threaded else self.new_lane()
        self.started = time()
        SLOT.pack_into(self.map, self.slot, os.getpid(), 0, self.started, 0)

    def ready(self):
        """The application is loaded."""
        SLOT.pack_into(self.map, self.slot, os.getpid(), 1, self.started, 0)

    def begin(self, request=None, waited_ns=0):
        """A request begins, in this thread, after so long at the door."""
        lane = self.count(0, 1)
        self.arrivals[id(request)] = lane[4] - waited_ns

    def end(self, request=None):
        """It has been answered."""
        lane = self.count(1, -1)
        arrived = self.arrivals.pop(id(request), None)
        if arrived is not None:
            took, at = lane[4] - arrived, lane[0] + LANE.size
            SUM.pack_into(self.map, at, SUM.unpack_from(self.map, at)[0] + took)
            at += SUM.size + bucket(took) * COUNT.size
            COUNT.pack_into(self.map, at, COUNT.unpack_from(self.map, at)[0] + 1 & 0xFFFFFFFF)

    def count(self, done, begun):
        lane = self.shared or getattr(self.own, "lane", None) or self.new_lane()
        begin, requests, in_flight, busy_ns, at = lane
        now = monotonic_ns()
        lane[1:] = (
            requests := requests + done,
            running := in_flight + begun,
            busy_ns := busy_ns + in_flight * (now - at),
            now,
        )
        # All four in one copy: a reader does not see half of them.
        self.map[begin : begin + LANE.size] = LANE.pack(requests, running, busy_ns, now)
        return lane

    def new_lane(self):
        """A lane for this thread: its place in the file, then what stands there."""
        # More threads than lanes there cannot be, unless a reload has changed the settings.
        lane = self.own.lane = [next(self.places, self.slot + SLOT.size), 0, 0, 0, monotonic_ns()]
        return lane


def accept_queue() -> int | None:
    """Return how many connections no worker has accepted yet; None where that is not known."""
    if not listening or TCP_INFO is None:
        return None
    try:
        told = [one.getsockopt(socket.IPPROTO_TCP, TCP_INFO, UNACKED.size) for one in listening]
    except OSError:  # a Unix socket
        return None
    return sum(UNACKED.unpack(info)[0] for info in told)
