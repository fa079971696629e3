"""A run of `manage.py seed` that a page starts: one at a time, in a process of its own.

The end of the worker whose page started it does not end it. It ends when the server's main process
ends, and then, as whenever it is stopped, the films are as they were before: `seed` writes all of
them in one transaction.
"""

import fcntl
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

import psutil
from django.conf import settings

from perflab.base.processes import end_with, spawn_beside

from . import seeding_state
from .seeding_state import Seeding

LOG = "seed-page.log"
PATIENCE_S = 0.3  # for which a lock is tried: a page that looks at it holds it for a moment


class Busy(Exception):
    """Films are being written already. The message is one line."""


def start(films: int, reset: bool = False) -> int:
    """Start `manage.py seed` for so many films and return its pid. Raises Busy."""
    with seeding_state.open_lock() as lock:
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise Busy("films are being written already: wait, or stop it") from None
                time.sleep(0.02)
        arguments = [str(lock.fileno()), str(films), str(int(reset))]
        process = spawn_beside(__name__, arguments, settings.VAR, LOG, lock)
        # So a page that asks at once finds this run, and not the one before.
        seeding_state.write(Seeding(process.pid, time.time(), films, by_page=True))
    return process.pid


def stop() -> bool:
    """Ask the run that a page started to end; return whether there was one."""
    found = seeding_state.read()
    if not found or not found.by_page or found.ended is not None:
        return False
    with suppress(psutil.Error):
        process = psutil.Process(found.pid)
        if __name__ in process.cmdline():
            process.send_signal(signal.SIGTERM)
            return True
    return False


def run(films: int, reset: bool) -> None:
    """Run `manage.py seed`, and write how it ended."""
    from django.core.management import CommandError, call_command

    problem, was_stopped = "", False
    try:
        call_command("seed", movies=films, reset=reset)
    except CommandError as error:
        problem = str(error)
    except (KeyboardInterrupt, SystemExit):
        was_stopped = True
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
        raise
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows takes a moment
        known = seeding_state.read() or Seeding(os.getpid(), time.time(), films, by_page=True)
        ended = time.time()
        seeding_state.write(
            replace(known, ended=ended, problem=problem, was_stopped=was_stopped, stage="ended")
        )


def main(server: str, lock: str, films: str, reset: str) -> None:
    """Run `python -m perflab.catalogue.seeding_process SERVER LOCK FILMS RESET`."""
    import django

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        django.setup()
        seeding_state.inherit(os.fdopen(int(lock), "ab"))
        threading.Thread(target=end_with, args=(int(server),), daemon=True).start()
        run(int(films), reset == "1")
    except KeyboardInterrupt:
        sys.exit(130)  # before it had begun


if __name__ == "__main__":
    main(*sys.argv[1:])
