"""The process that ends the children of another one when that has ended, however it did.

It is a program of its own and imports nothing of ours. Its standard input is a pipe from the
process that it watches: "+PID" names a process group to end, "-PID" one that has ended. The pipe
closes when that process ends; its groups then get SIGTERM, and after a time of grace SIGKILL.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 20  # a little more than Gunicorn gives its workers


def signal_group(group: int, number: int) -> bool:
    """Send a signal to all processes of a group; return whether there was any."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS raises PermissionError for zombies
        return False
    return True


def group_is_alive(group: int) -> bool:
    """Return whether any process of the group is left."""
    return signal_group(group, 0)


def ask_to_end(group: int) -> None:
    """Send SIGTERM to a group. A process of it that was stopped (SIGSTOP) goes on to take it."""
    signal_group(group, signal.SIGTERM)
    signal_group(group, signal.SIGCONT)


def read_groups(lines: Iterable[str]) -> set[int]:
    """Return the groups that were named and have not ended; the lines end with who writes them."""
    groups = set()
    for line in lines:
        if line.startswith("+"):
            groups.add(int(line))
        else:
            groups.discard(-int(line))
    return groups


def end_groups(groups: set[int], seconds: float) -> None:
    """End the groups: by SIGTERM, and those that are left after so many seconds by SIGKILL."""
    for group in groups:
        ask_to_end(group)
    deadline = time.monotonic() + seconds
    while any(map(group_is_alive, groups)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for group in groups:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, signal.SIG_IGN)
    end_groups(read_groups(sys.stdin), float(sys.argv[1]))
