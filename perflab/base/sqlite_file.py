"""The file of a SQLite database, looked at before anything opens it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from perflab.base.config import Problem

HEADER = b"SQLite format 3\0"
WAL = b"\2\2"  # the two bytes after the header's page size that say in which mode a file is
WAL_AT = 18
MARKER_TABLE = "perflab_marker"  # by which the lab knows its own database (perflab/ownership.py)
IN_MEMORY = (":memory:", "file:")  # how the names of databases in memory begin


def find_fault_in_sqlite(database: dict[str, Any]) -> str:
    """Return what is wrong with DATABASE_URL if it names SQLite; "" if nothing is.

    `database` is what Django makes of it.
    """
    if database["NAME"].startswith(IN_MEMORY):
        return "must name SQLite's file: each worker would have a database in memory for itself"
    if "\0" in database["NAME"]:
        return "names a file with a NUL byte (%00) in its path, which no file has"
    return "names a host, and SQLite is a file: sqlite:////path" if database.get("HOST") else ""


def check_sqlite_file(database: dict[str, Any]) -> None:
    """Raise Problem where a SQLite database cannot lie at its path, or lies there damaged.

    `database` is one of Django's DATABASES. A file that is missing or empty is fine: SQLite makes
    the database there.
    """
    if database["ENGINE"] != "django.db.backends.sqlite3":
        return
    path = Path(database["NAME"])
    if path.is_dir():
        raise Problem(f"DATABASE_URL names {path}, which is a folder: name a file in it.")
    if path.exists() and not path.is_file():  # reading a pipe would wait without end
        raise Problem(f"DATABASE_URL names {path}, which is a device or a pipe: name a file.")
    if not path.parent.is_dir():
        raise Problem(f"DATABASE_URL names {path}, and there is no folder {path.parent}.")
    try:
        with path.open("rb") as file:
            start = file.read(len(HEADER))
    except FileNotFoundError:
        return
    except OSError as error:
        raise Problem(f"cannot read the database {path}: {error.strerror}.") from error
    if start and start != HEADER:
        raise Problem(
            f"{path} is not a SQLite database, or a damaged one: name another file in "
            "DATABASE_URL, or delete it, and the lab makes a new one."
        )


def choose_init_command(path: Path) -> str:
    """Return what each connection to a SQLite file begins with.

    The mode WAL, in which readers need not wait for a writer, stays in the file. So it is set in a
    file of ours alone: a new one, or one with the lab's marker. A file in that mode stays as it is.
    """
    wal = "PRAGMA journal_mode=WAL; "
    return f"{wal if may_set_wal(path) else ''}PRAGMA synchronous=NORMAL;"


def may_set_wal(path: Path) -> bool:
    """Return whether a file is new, empty, ours, or in the mode WAL anyway. It is only read."""
    try:
        if not path.is_file():  # a pipe would keep a reader waiting
            return not path.exists()
        with path.open("rb") as file:
            start = file.read(WAL_AT + len(WAL))
        if not start or start.endswith(WAL):
            return True
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
            return database.execute(found, [MARKER_TABLE]).fetchone() is not None
    except (OSError, sqlite3.Error):
        return False  # whoever uses the file says what is wrong with it
