"""Whether PostgreSQL is silent, in this process: then no page waits for it.

A thread asks it again and again until it answers, or refuses, or is gone. So a worker is free for
pages that need no database, and a server that is back is used at once.
"""

import threading
import time

import psycopg

ASK_EVERY_S = 0.2
ANSWER_S = 2  # how long each attempt to connect may take

_lock = threading.Lock()
_watcher = None  # the thread that asks; None while the server answers


def is_silent():
    """Return whether the server has let a page wait in vain, and has not answered since."""
    return _watcher is not None


def begin(parameters):
    """Take the server for silent until it answers on a connection with these parameters."""
    global _watcher
    with _lock:
        if _watcher is None:
            watcher = threading.Thread(target=_watch, args=(parameters,), daemon=True)
            watcher.start()  # it ends with the lock, so it cannot be quicker than the next line
            _watcher = watcher


def _watch(parameters):
    global _watcher
    try:
        while _is_still_silent(parameters):
            time.sleep(ASK_EVERY_S)
    finally:
        with _lock:
            _watcher = None


def _is_still_silent(parameters):
    """Ask the server; return False also where it refuses: that costs a page no time."""
    try:
        psycopg.connect(**{**parameters, "connect_timeout": ANSWER_S}).close()
    except psycopg.errors.ConnectionTimeout:
        return True
    except psycopg.Error:
        return False
    return False
