"""The logs of what our child processes write: `var/log/`."""

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

MAX_LOG_BYTES = 10_000_000  # a longer log is moved aside at the next start


def open_log(var: Path, name: str) -> BinaryIO:
    """Open a log for what a child writes, at its end; a long one is first moved to `….log.1`."""
    path = var / "log" / name
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
    log = path.open("ab")
    log.seek(0, os.SEEK_END)
    return log


def last_lines(path: str | Path, start: int, lines: int = 3) -> str:
    """Return the last lines that a log got since byte `start`, joined, and the log's path."""
    with open(path, "rb") as log:
        log.seek(start)
        written = log.read()[-20_000:].decode(errors="replace").split("\n")
    written = [line.strip() for line in written if line.strip()]
    return f"{' | '.join(written[-lines:]) or 'it wrote nothing'} (all of it: {path})"
