"""A load run that a page started: one at a time, in a process of its own.

The process holds a lock on `var/load.lock`, which names it, for as long as it lives, so that
whatever ends it frees the lock. It ends when the Gunicorn whose page started it ends. The end of
one of that Gunicorn's workers does not end it.
"""

import contextlib
import fcntl
import signal
import sys
import threading
import time

import psutil
from django.conf import settings

from perflab.base.processes import end_with, is_held, spawn_beside

from . import store

LOG = "load-page.log"
BEGIN_S = 2  # how long `stop` waits for a run that begins to be named
MAX_MESSAGE = 300  # characters of the last line of a run that failed


class Busy(Exception):
    """Another run is under way. The message is one line."""


def start(arguments):
    """Start `manage.py load` with these arguments and return its pid. Raises Busy."""
    with _lock_file() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("a run is under way already: wait for its end, or stop it") from None
        if run := store.under_way():
            raise Busy(
                f"a run of {run.scenario} is under way in a terminal: two would disturb each other"
            )
        pid = spawn_beside(__name__, arguments, settings.VAR, LOG, lock).pid
        lock.truncate(0)
        lock.write(str(pid))
        return pid


def is_busy():
    """Return whether a run that a page started is under way."""
    return is_held(_lock_file)


def stop():
    """End the run that a page started, which keeps its points; return whether there was one."""
    deadline = time.monotonic() + BEGIN_S
    while is_busy() and time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, OverflowError, psutil.Error):
            process = psutil.Process(int((settings.VAR / "load.lock").read_text()))
            if __name__ in process.cmdline():
                process.send_signal(signal.SIGTERM)
                return True
        time.sleep(0.02)  # it begins just now, or ends
    return False


def last_message():
    """Return the last line that the last run of a page wrote; "" where there is none."""
    try:
        text = (settings.VAR / "log" / LOG).read_text(errors="replace")
    except OSError:
        return ""
    lines = [line for line in text.split("\n") if line.strip()]
    return lines[-1][-MAX_MESSAGE:].removeprefix("CommandError: ") if lines else ""


def _lock_file():
    """Open the file on which a run that a page started holds a lock."""
    return open(settings.VAR / "load.lock", "a")


def main(gunicorn, *arguments):
    """Run `python -m perflab.load.background PID ARGUMENTS…`."""
    from django.core.management import execute_from_command_line

    threading.Thread(target=end_with, args=(int(gunicorn),), daemon=True).start()
    execute_from_command_line(["manage.py", "load", *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
