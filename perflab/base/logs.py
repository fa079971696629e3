"""Logs of what our children write: `var/log/`."""

import contextlib
import os

LOG_BYTES = 10_000_000  # a log that is longer is put aside at the next start


def open_log(var, name):
    """Open a log for what a child writes; one that has grown long is put aside first."""
    path = var / "log" / name
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
    log = path.open("ab")
    log.seek(0, os.SEEK_END)
    return log


def last_words(path, start, lines=3):
    """The end of what was written to a log since `start`, in one line, and where to read on."""
    with open(path, "rb") as log:
        log.seek(start)
        said = log.read()[-20_000:].decode(errors="replace").split("\n")
    said = [line.strip() for line in said if line.strip()]
    return f"{' | '.join(said[-lines:]) or 'it said nothing'} (all of it: {path})"
