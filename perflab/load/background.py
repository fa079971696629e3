"""A load run that a page started: one at a time, in a process of its own.

The process holds a lock on `var/load.lock` for as long as it lives, so that whatever ends it frees
the lock. It ends with the Gunicorn whose page started it, though not with that Gunicorn's worker.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
from django.conf import settings

from perflab.base import paths

from . import store

LOG = "load-page.log"
LOOK_S = 0.5  # how often it looks whether Gunicorn is still there
WORDS = 300  # of what a run that came to nothing said


class Busy(Exception):
    """Another run goes on. The message is one line."""


def start(arguments) -> int:
    """Begin `manage.py load` with these arguments; its pid. Raises Busy."""
    with _lock_file() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("a run goes on already: wait for its end, or stop it") from None
        if run := store.under_way():
            raise Busy(f"a run of {run['scenario']} goes on in a terminal: two would disturb it")
        folder = settings.VAR / "log"
        folder.mkdir(exist_ok=True)
        with open(folder / LOG, "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(os.getppid()), *arguments],
                cwd=paths.ROOT,
                env={
                    **os.environ,
                    "PERFLAB_VAR": str(settings.VAR),
                    "DJANGO_SETTINGS_MODULE": "perflab.settings",
                },
                pass_fds=(lock.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    # Somebody has to take notice of its end.
    threading.Thread(target=process.wait, daemon=True).start()
    return process.pid


def is_busy() -> bool:
    """Whether a run that a page started goes on."""
    with _lock_file() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def stop() -> bool:
    """Have the run that a page started end, and keep what it has; whether there was one."""
    run = store.under_way()
    if not (run and is_busy()):
        return False
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(run["pid"])
        if __name__ in process.cmdline():  # and none from a terminal
            process.send_signal(signal.SIGTERM)
            return True
    return False


def last_words() -> str:
    """What the last run that a page started said at its end, if it came to nothing; else ""."""
    try:
        said = (settings.VAR / "log" / LOG).read_text(errors="replace").split("\n")
    except OSError:
        return ""
    said = [line for line in said if line.strip()]
    return said[-1][-WORDS:].removeprefix("CommandError: ") if said else ""


def _lock_file():
    return open(settings.VAR / "load.lock", "a")


def end_with(pid):
    """Ask this process to stop as soon as another is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        other = psutil.Process(pid)
        while other.is_running() and other.status() != psutil.STATUS_ZOMBIE:
            time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)


def main(gunicorn, *arguments):
    """`python -m perflab.load.background PID ARGUMENTS…`"""
    from django.core.management import execute_from_command_line

    threading.Thread(target=end_with, args=(int(gunicorn),), daemon=True).start()
    execute_from_command_line(["manage.py", "load", *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
