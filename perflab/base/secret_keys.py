"""The key with which the lab signs cookies: made once for a local lab, checked for a public one."""

import contextlib
import fcntl
import os
import secrets
import zlib
from pathlib import Path

from perflab.base.files import write_text, write_text_once

MIN_CHARACTERS = 50


def read_or_make_key(path: Path) -> str:
    """Return the key in a file, which all workers share. Raises OSError.

    A missing one is made. One that is too short, as a full disk may have left it, is replaced.
    """
    write_text_once(path, secrets.token_urlsafe(MIN_CHARACTERS), mode=0o600)
    if len(key := read_key(path)) >= MIN_CHARACTERS:
        return key
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems have no such lock
            fcntl.flock(folder, fcntl.LOCK_EX)
        if len(read_key(path)) < MIN_CHARACTERS:  # no other worker was faster
            write_text(path, secrets.token_urlsafe(MIN_CHARACTERS), mode=0o600)
    finally:
        os.close(folder)
    return read_key(path)


def read_key(path: Path) -> str:
    """Return the text in a file, without blanks and zeros around it."""
    return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\r\n")


def is_weak(key: str) -> bool:
    """Return whether a key is too short, or too regular to have been drawn at random."""
    is_regular = len(set(key)) < 12 or len(zlib.compress(key.encode())) < 40
    return len(key) < MIN_CHARACTERS or is_regular or key.startswith("django-insecure-")
