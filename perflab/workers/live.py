"""What the machine and the lab's workers do at this moment: the figures of `top`.

Counters are told as they stand, with the clock that they belong to: two answers, from whichever
worker, then make a rate. What this system does not tell is None.
"""

import os
import time
from pathlib import Path

import psutil
from django.conf import settings

from perflab.base import config
from perflab.measure import machine

from . import scoreboard


def state() -> dict:
    """Everything, as /system.json tells it."""
    try:
        board, note = scoreboard.snapshot(settings.SCOREBOARD or "nowhere"), ""
    except scoreboard.NoScoreboard as error:
        board, note = None, str(error) if settings.SCOREBOARD else NO_GUNICORN
    return {
        "version": 1,
        "instance": settings.INSTANCE,
        "clock_s": time.monotonic(),
        "machine": of_machine(),
        "lab": of_lab(board) if board else None,
        "workers": [of_worker(slot) for slot in board.slots] if board else [of_this_process()],
        "note": note,
    }


NO_GUNICORN = (
    "This lab was not started by Gunicorn with its gunicorn.conf.py: it has one process, whose "
    "requests nobody counts, and no dial."
)


def of_machine() -> dict:
    """The machine's cores, memory and queue."""
    memory = psutil.virtual_memory()
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # macOS
        allowed = range(os.cpu_count() or 1)
    cores = [
        {"core": number, "busy_s": busy_s(times), "total_s": sum_of(times)}
        for number, times in enumerate(psutil.cpu_times(percpu=True))
        if number in allowed
    ]
    return {
        "cpu": machine.cpu(),
        "usable_cores": config.count_cores(),  # a control group may allow less than the cores there are
        "cores": cores,
        "memory_bytes": memory.total,
        "memory_available_bytes": memory.available,
        "load_average": os.getloadavg(),
        "run_queue": run_queue(),
        "accept_queue": scoreboard.accept_queue(),
    }


def sum_of(times):
    """The seconds of one core in all states; a guest's are in its host's already."""
    return sum(times) - getattr(times, "guest", 0) - getattr(times, "guest_nice", 0)


def busy_s(times):
    """The seconds in which a core worked, or was worked on by another machine beside this one."""
    return sum_of(times) - times.idle - getattr(times, "iowait", 0)


def run_queue():
    """How many threads run or could run now, on all cores; this one is among them."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):  # not Linux
        return None


def of_lab(board) -> dict:
    """Gunicorn's master, and what has been counted since it started, ended workers included."""
    return {
        "master": board.master,
        "age_s": time.time() - board.started,
        "requests": board.ended_requests + sum(slot.requests for slot in board.slots),
        "busy_s": (board.ended_busy_ns + sum(slot.busy_ns for slot in board.slots)) / 1e9,
    }


def of_worker(slot) -> dict:
    """A worker: from the scoreboard what it has done, from the system what that took."""
    return {
        "pid": slot.pid,
        "state": slot.state,
        "requests": slot.requests,
        "in_flight": slot.in_flight,
        "busy_s": slot.busy_ns / 1e9,
        "threads": slot.threads,
        "age_s": time.time() - slot.started,
        "answers": slot.pid == os.getpid(),
        **of_process(slot.pid),
    }


def of_this_process() -> dict:
    """What is known of the one process there is, without a scoreboard."""
    pid = os.getpid()
    unknown = dict.fromkeys(("requests", "in_flight", "busy_s", "threads"))
    age_s = time.time() - psutil.Process(pid).create_time()
    return {
        "pid": pid, "state": "busy", **unknown, "age_s": age_s, "answers": True, **of_process(pid)
    }  # fmt: skip


def of_process(pid: int) -> dict:
    """CPU seconds and memory of a process; None where it has just ended."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times, memory = process.cpu_times(), process.memory_info()
    except psutil.Error:
        return {"cpu_s": None, "memory_bytes": None}
    return {"cpu_s": times.user + times.system, "memory_bytes": memory.rss}
