"""Files that several threads and processes write and read at once.

A file is written under another name first and then put in its place in one step. So a reader finds
the old content or the new, and never a part of it.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar, overload

UNLOCKED_S = 2  # more than the time from the making of a draft to its lock
CLOCKS_S = 2  # by how much the clocks of a file system and of this machine may differ
Kind = TypeVar("Kind")
Default = TypeVar("Default")


@contextlib.contextmanager
def draft_of(
    path: Path, mode: int = 0o666, put: Callable[[Path, Path], None] = os.replace
) -> Iterator[Path]:
    """Yield the path of an empty file beside `path`, which takes its place when the block ends.

    When the block fails the draft is deleted and `path` stays as it was. No two drafts have the
    same name, whichever thread or process makes them. A draft is locked while it is written, so
    that `remove_drafts` knows those of processes that were killed. `mode` is the file's, less the
    umask; `put` is the function that puts the draft in its place.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with contextlib.suppress(OSError):  # some network file systems have no such lock
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield draft
        put(draft, path)
    finally:
        os.close(descriptor)
        draft.unlink(missing_ok=True)


def remove_drafts(folder: Path) -> None:
    """Delete the drafts in a folder and below it that nobody writes any more."""
    for draft in folder.rglob(".*.draft"):
        with contextlib.suppress(OSError), draft.open("rb") as file:
            if abs(time.time() - os.fstat(file.fileno()).st_mtime) > UNLOCKED_S:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                draft.unlink()


def write_text(path: Path, text: str, mode: int = 0o666) -> None:
    """Write a text file, whole or not at all. Raises OSError."""
    with draft_of(path, mode) as draft:
        draft.write_text(text, encoding="utf-8")


def write_text_once(path: Path, text: str, mode: int = 0o666) -> bool:
    """Write a text file unless there is one; return whether this call has written it.

    Of several processes that try at once, one succeeds. Raises OSError.
    """
    if path.exists():
        return False
    try:
        with draft_of(path, mode, put=os.link) as draft:  # unlike replace, link never overwrites
            draft.write_text(text, encoding="utf-8")
    except FileExistsError:
        return False
    return True


def write_json(path: Path, value: Any, indent: int | None = None) -> None:
    """Write a value as JSON, whole or not at all.

    Raises OSError, and TypeError or ValueError where JSON cannot hold the value.
    """
    write_text(path, json.dumps(value, indent=indent) + "\n")


@overload
def read_json(path: Path, kind: type[Kind]) -> Kind | None: ...


@overload
def read_json(path: Path, kind: type[Kind], default: Default) -> Kind | Default: ...


def read_json(path: Path, kind: type[Any], default: Any = None) -> Any:
    """Return the value in a JSON file, or `default` where the file has none of this kind.

    So a file that is missing, that may not be read or that holds anything else is no error. `kind`
    is a type such as dict.
    """
    try:
        if not path.is_file():  # a pipe or a device may have no end
            return default
        text = path.read_text(encoding="utf-8")
        value = json.loads(text)
        if "\\ud" in text.lower():  # half a character, which no page can hold: a ValueError
            json.dumps(value, ensure_ascii=False).encode()
    except (OSError, ValueError, RecursionError):  # ValueError: no UTF-8, or no JSON
        return default
    return value if isinstance(value, kind) else default


def newest_first(folder: Path, pattern: str) -> list[Path]:
    """Return what lies in a folder and matches a pattern, by the time of its last change.

    What is dated in the future comes last: a clock was wrong, and nothing that is written now would
    ever be newer. The list is empty where the folder is missing. What another process deletes
    meanwhile is left out.
    """
    dated = []
    with contextlib.suppress(OSError):
        # A file server's clock may be ahead of ours. It dates the folder too when a file is made.
        now = max(time.time(), folder.stat().st_mtime) + CLOCKS_S
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                changed = path.stat().st_mtime
                dated.append((changed <= now, changed, path.name, path))
    return [path for *_, path in sorted(dated, reverse=True)]


def keep_newest(folder: Path, pattern: str, count: int, size: int | None = None) -> None:
    """Delete all files and folders in a folder that match a pattern, but for the newest `count`.

    With a size, in bytes, older ones than these are deleted too as soon as they take up more
    together. The newest one stays. What cannot be deleted stays: another process may be deleting it
    too.
    """
    found = newest_first(folder, pattern)
    if size is not None:
        sums = accumulate(size_of(path) for path in found[:count])
        count = max(1, sum(total <= size for total in sums))
    for path in found[count:]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; 0 where there is none any more."""
    size = 0
    with contextlib.suppress(OSError):
        if not path.is_dir():
            return path.stat().st_size
        for entry in os.scandir(path):
            with contextlib.suppress(OSError):
                size += entry.stat().st_size
    return size


def is_collected(source: Path, target: Path) -> bool:
    """Return whether `target` holds what `collectstatic` copies of the folder `source`.

    A file that has changed since counts as missing, by the time of its last change, as for
    `collectstatic` itself.
    """
    if not (target / "staticfiles.json").exists():
        return False
    try:
        for folder, _, names in os.walk(source):
            copies = os.path.join(target, os.path.relpath(folder, source))
            for name in names:
                changed = int(os.stat(os.path.join(folder, name)).st_mtime)
                if os.stat(os.path.join(copies, name)).st_mtime < changed:
                    return False
    except OSError:
        return False
    return True
