"""The logs of what our child processes write: `var/log/`. Each has at most two files of 10 MB."""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

MAX_LOG_BYTES = 10_000_000  # of a longer log the rest begins anew
ACCESS_LOG = "access.log"


def open_log(var: Path, name: str) -> BinaryIO:
    """Open a log for what a child writes, at its end; a long one is first moved to `….log.1`."""
    path = var / "log" / name
    put_aside(path)
    log = path.open("ab")
    log.seek(0, os.SEEK_END)
    return log


def put_aside(path: Path) -> None:
    """Move a long log to `….log.1`, in the place of the one before."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))


def empty(path: Path) -> None:
    """Copy a long log to `….log.1` and empty it, for writers that cannot open it anew."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > MAX_LOG_BYTES:
            with contextlib.suppress(OSError):  # on a full disk nothing of it is kept
                shutil.copyfile(path, path.with_suffix(".log.1"))
            os.truncate(path, 0)


def keep_short(var: Path, names: Iterable[str]) -> None:
    """Limit the logs of a running lab: the access log, and those of these names.

    The access log is moved: its writers soon open it anew (perflab/workers/access_log.py), so no
    line is lost. The other ones are emptied. What is written to them in that moment is lost.
    """
    with contextlib.suppress(OSError):  # the disk is read-only, say: the lab goes on
        put_aside(var / "log" / ACCESS_LOG)
        for name in names:
            empty(var / "log" / name)


def last_lines(path: str | Path, start: int, lines: int = 3) -> str:
    """Return the last lines that a log got since byte `start`, joined, and the log's path.

    A log that has been emptied since is read from its beginning.
    """
    with open(path, "rb") as log:
        log.seek(start if start <= os.fstat(log.fileno()).st_size else 0)
        written = log.read()[-20_000:].decode(errors="replace").split("\n")
    written = [line.strip() for line in written if line.strip()]
    return f"{' | '.join(written[-lines:]) or 'it wrote nothing'} (all of it: {path})"
