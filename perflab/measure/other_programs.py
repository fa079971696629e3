"""How many cores other programs kept busy while something was measured.

It is what the whole machine used, less what belongs to the measurement: the lab's processes, its
database and caches, and the client that asks. The counters are seconds of CPU, so two readings of
them make a rate.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import psutil

from . import machine

BUSY_CORES = 0.5  # that other programs keep busy: from here on the machine is called busy
SERVICES = ("postgres", "valkey-server", "redis-server", "memcached")  # they serve the lab


@dataclass(frozen=True, slots=True)
class CpuCounters:
    """The seconds of CPU that were used so far, and the clock that they belong to."""

    clock_s: float
    machine_s: float  # by all programs
    own_s: float  # by those that belong to the measurement


def read_counters(own: Iterable[psutil.Process] = ()) -> CpuCounters:
    """Return the counters as they stand, with these processes and the services as our own."""
    return CpuCounters(
        clock_s=monotonic(),
        machine_s=machine.machine_busy_cpu_s(),
        own_s=used_cpu_s(own) + used_cpu_s(find_services()),
    )


def cores_kept_busy(before: CpuCounters | None, after: CpuCounters | None) -> float | None:
    """Return how many cores others kept busy in between; None where a reading is missing."""
    if before is None or after is None or after.clock_s <= before.clock_s:
        return None
    others_s = after.machine_s - before.machine_s - (after.own_s - before.own_s)
    return round(max(0, others_s) / (after.clock_s - before.clock_s), 2)


def used_cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Return the seconds that these processes and their ended children have used.

    A process that has ended, or that this user may not look at, counts for nothing.
    """
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
            total += getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
    return total


def find_services() -> list[psutil.Process]:
    """Return the database and cache servers of this machine: they work for those who measure."""
    return [one for one in psutil.process_iter(["name"]) if one.info["name"] in SERVICES]


def find_client(address: str, port: str) -> list[psutil.Process]:
    """Return the processes of the program at the other end of a connection from this machine.

    A browser is many processes, and one of them holds the connection: the list holds its whole
    family. It is empty where the system does not tell, as for the programs of another user.
    """
    try:
        owners = {
            found.pid
            for found in psutil.net_connections("tcp")
            if found.pid and found.laddr and found.laddr == (address, int(port or 0))
        }
        if len(owners) != 1:
            return []
        root = psutil.Process(owners.pop())
        while (parent := root.parent()) is not None and parent.name() == root.name():
            root = parent
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []
