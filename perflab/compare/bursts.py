"""The bursts that pages start: one at a time, each in a process outside the lab's workers.

The process holds a lock on `var/bursts/lock` while it lives. So a worker that starts a burst is
free to answer it, also where it is the only one.
"""

import fcntl
import secrets
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from perflab.base import files, paths
from perflab.base.processes import is_held

KEPT = 20  # results

Json = dict[str, Any]


class Busy(Exception):
    """Another burst is under way. The message is one line."""


def start(host: str, port: str, site: str, path: str, number: int) -> str:
    """Start a burst and return its id. `site` is the header Host. Raises Busy."""
    folder = _folder()
    files.keep_newest(folder, "*.json", KEPT)
    name = secrets.token_hex(8)
    with open(folder / "lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("Another burst is under way: wait for its end.") from None
        process = subprocess.Popen(
            [sys.executable, "-m", "perflab.compare.burst"]
            + [host, port, str(number), site, path, str(folder / f"{name}.json")],
            cwd=paths.ROOT,
            pass_fds=(lock.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    # Without a wait the process would stay as a zombie after its end.
    threading.Thread(target=process.wait, daemon=True).start()
    return name


def read(name: str) -> Json | None:
    """Return what a burst brought; None while it is under way, a failure where it is lost."""
    path = _folder() / f"{name}.json"
    found = files.read_json(path, dict)
    if found is None and not is_held(_open_lock):
        # It may have ended between the two looks.
        found = files.read_json(path, dict, {"failure": "the burst has ended without a result"})
    return found


def _open_lock() -> IO[str]:
    return open(_folder() / "lock", "a")


def _folder() -> Path:
    folder = Path(settings.VAR) / "bursts"
    folder.mkdir(exist_ok=True)
    return folder
