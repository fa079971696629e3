"""Read the scoreboard: what each worker does now, and what all have counted since the start."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns

from .latency import Latency, sum_latencies
from .layout import (
    COUNTER,
    ENDED_LATENCY,
    HEADER,
    MAGIC,
    SLOT,
    counter_offsets,
    file_size,
    latency_offsets,
    used_slots,
)

MOST_PIDS = 2**31  # a larger number is no process's


class NoScoreboard(Exception):
    """The file holds no scoreboard. The message says why, in one line."""


@dataclass(frozen=True)
class Slot:
    """One worker, as the scoreboard knows it."""

    pid: int
    state: str  # "starting", "idle" or "busy"
    requests: int  # answered since it started
    in_flight: int  # under way now
    busy_ns: int  # spent in requests, those under way included; its threads' times added up
    started: float  # seconds since the epoch
    threads: int  # that have a counter of their own


@dataclass(frozen=True)
class Snapshot:
    """The whole scoreboard at one moment. What ended workers have counted is kept in `ended_*`."""

    master: int  # pid
    started: float
    slots: list[Slot]
    ended_requests: int
    ended_busy_ns: int
    latency: Latency  # of all answers so far, those of ended workers included

    @property
    def requests(self):
        """The requests answered since Gunicorn started, by workers of now and of before."""
        return self.ended_requests + sum(slot.requests for slot in self.slots)

    @property
    def busy_s(self):
        """The seconds spent in requests since Gunicorn started, likewise."""
        return (self.ended_busy_ns + sum(slot.busy_ns for slot in self.slots)) / 1e9


def read(path):
    """Return the Slots of the workers that exist, oldest first. Raises NoScoreboard."""
    return snapshot(path).slots


def snapshot(path):
    """Return a Snapshot of the scoreboard in a file. Raises NoScoreboard."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise NoScoreboard(
            f"no scoreboard at {path} ({error.strerror}): is the lab running?"
        ) from None
    if content[: len(MAGIC)] != MAGIC or len(content) < HEADER.size:
        raise NoScoreboard(f"{path} is not a scoreboard of this version")
    _, slots, threads, master, started, requests, busy_ns = HEADER.unpack_from(content)
    if slots < 1 or threads < 1 or not 0 <= master < MOST_PIDS:
        raise NoScoreboard(f"{path} is not a scoreboard of this version")
    if len(content) < file_size(slots, threads):
        raise NoScoreboard(f"the scoreboard at {path} is cut off")
    now = monotonic_ns()
    begins = used_slots(content, slots, threads)
    workers = [read_slot(content, begin, threads, now) for begin in begins]
    latencies = [offset for begin in begins for offset in latency_offsets(begin, threads)]
    latency = sum_latencies(content, [ENDED_LATENCY, *latencies])
    workers.sort(key=lambda slot: slot.started)
    return Snapshot(master, started, workers, requests, busy_ns, latency)


def read_slot(content, begin, threads, now):
    """Return the Slot that begins there; `now` is the time in monotonic ns."""
    pid, ready, started = SLOT.unpack_from(content, begin)
    requests = in_flight = busy_ns = 0
    for offset in counter_offsets(begin, threads):
        answered, under_way, busy, written = COUNTER.unpack_from(content, offset)
        requests += answered
        in_flight += under_way
        busy_ns += busy + under_way * max(0, now - written)
    state = "starting" if not ready else "busy" if in_flight else "idle"
    return Slot(pid, state, requests, in_flight, busy_ns, started, threads)
