"""What the machine and the lab's workers do at this moment: the figures of `top`.

Counters are given as they stand, with the clock that they belong to, so that the difference of two
answers, from whichever worker, makes a rate. What this system does not tell is None.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

import psutil
from django.conf import settings

from perflab.base import config
from perflab.measure import machine, other_programs

from . import scoreboard

NO_GUNICORN = (
    "This lab was not started by Gunicorn with its gunicorn.conf.py: it has one process, whose "
    "requests nobody counts and whose number of workers cannot be changed."
)


def read_state(client=()):
    """Return everything that /system.json tells.

    `client` are the processes of the program that asks, where it wants to know its own CPU.
    """
    try:
        board, note = scoreboard.snapshot(settings.SCOREBOARD or "nowhere"), ""
    except scoreboard.NoScoreboard as error:
        board, note = None, str(error) if settings.SCOREBOARD else NO_GUNICORN
    return {
        "version": 1,
        "instance": settings.INSTANCE,
        "clock_s": time.monotonic(),
        "machine": read_machine(),
        "cpu": read_cpu(board, client),
        "lab": lab_counters(board) if board else None,
        "workers": [read_worker(slot) for slot in board.slots] if board else [read_this_process()],
        "note": note,
    }


def read_machine():
    """Return the machine's cores, memory and queues."""
    memory = psutil.virtual_memory()
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # macOS
        allowed = range(os.cpu_count() or 1)
    cores = [
        {"core": number, "busy_s": machine.busy_cpu_s(times), "total_s": machine.total_cpu_s(times)}
        for number, times in enumerate(psutil.cpu_times(percpu=True))
        if number in allowed
    ]
    return {
        "cpu": machine.processor_name(),
        "usable_cores": config.count_cores(),  # a control group may allow fewer than these cores
        "cores": cores,
        "memory_bytes": memory.total,
        "memory_available_bytes": memory.available,
        "load_average": os.getloadavg(),
        "run_queue": read_run_queue(),
        "accept_queue": scoreboard.count_waiting_connections(),
    }


def read_cpu(board, client):
    """Return the seconds of CPU used so far, for who wants to know what other programs use."""
    pids = {board.master, *(slot.pid for slot in board.slots)} if board else {os.getpid()}
    return {
        "machine_s": machine.machine_busy_cpu_s(),
        "lab_s": other_programs.used_cpu_s(processes_of(pids)),
        "services_s": other_programs.used_cpu_s(other_programs.find_services()),
        "client_s": other_programs.used_cpu_s(client) if client else None,
    }


def processes_of(pids):
    """Return the processes with these pids that are there."""
    found = []
    for pid in pids:
        with suppress(psutil.Error):
            found.append(psutil.Process(pid))
    return found


def read_run_queue():
    """Return how many threads run or could run now, on all cores, this thread included."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):  # not Linux
        return None


def lab_counters(board):
    """Return Gunicorn's master, and what was counted since it started, by ended workers too."""
    return {
        "master": board.master,
        "age_s": time.time() - board.started,
        "requests": board.requests,
        "busy_s": board.busy_s,
    }


def read_worker(slot):
    """Return what a worker has done, and what the system says of its process."""
    return {
        "pid": slot.pid,
        "state": slot.state,
        "requests": slot.requests,
        "in_flight": slot.in_flight,
        "busy_s": slot.busy_ns / 1e9,
        "threads": slot.threads,
        "age_s": time.time() - slot.started,
        "answers": slot.pid == os.getpid(),
        **read_process(slot.pid),
    }


def read_this_process():
    """Return what is known of the only process, where there is no scoreboard."""
    pid = os.getpid()
    return {
        "pid": pid,
        "state": "busy",
        **dict.fromkeys(("requests", "in_flight", "busy_s", "threads")),
        "age_s": time.time() - psutil.Process(pid).create_time(),
        "answers": True,
        **read_process(pid),
    }


def read_process(pid):
    """Return the CPU seconds and the memory of a process; both None where it has just ended."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times, memory = process.cpu_times(), process.memory_info()
    except psutil.Error:
        return {"cpu_s": None, "memory_bytes": None}
    return {"cpu_s": times.user + times.system, "memory_bytes": memory.rss}
