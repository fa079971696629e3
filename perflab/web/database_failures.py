"""What keeps the database from answering: recognized, named in words, logged, remembered.

PostgreSQL names a failure by a code, SQLite by a name. A failure that is none of these is a defect
of the lab, or of an experiment.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connections

from perflab.base.files import read_json, write_json

LOG_EVERY_S = 60  # for each kind of failure
WRITE_EVERY_S = 1  # how often a process writes down a kind of failure

logger = logging.getLogger("perflab.database")
noted = {}  # when this process last wrote down each kind of failure, in seconds since the epoch
logged = {}  # when it last logged each kind


@dataclass(frozen=True)
class Failure:
    """A kind of failure: its code for programs, what is wrong, and what to do."""

    kind: str
    what: str
    advice: str


NO_TABLES = Failure(
    "no_tables", "The database has no tables yet", "Run `manage.py migrate`, then `manage.py seed`."
)
NO_COLUMNS = Failure(
    "no_columns", "The database has no columns of this version yet", NO_TABLES.advice
)
NO_ANSWER = Failure(
    "no_answer",
    "The database does not answer",
    "What needs no database still works. Reload when it is back.",
)
TOO_MANY_CONNECTIONS = Failure(
    "too_many_connections",
    "The database takes no more connections",
    "Others hold all of them. Let fewer workers and threads use it, or raise PostgreSQL's "
    "max_connections.",
)
NO_LOGIN = Failure(
    "no_login",
    "The database does not let the lab in",
    "Check the user, the password and the database's name in DATABASE_URL.",
)
NO_PERMISSION = Failure(
    "no_permission",
    "The database refuses this to the lab's user",
    "Give the user of DATABASE_URL its rights on the lab's tables, or name their owner there.",
)
POOLER = Failure(
    "pooler",
    "A pooler stands between the lab and PostgreSQL",
    "Through one such as PgBouncer, a page that is streamed could show the rows of another page. "
    "Add ?disable_server_side_cursors=1 to DATABASE_URL, and start the lab again.",
)
LOCKED = Failure(
    "locked",
    "Somebody else holds a lock in the database",
    "The page has waited for as long as it may. Reload when the other program is done.",
)
CANCELLED = Failure(
    "cancelled",
    "The database has cancelled the statement",
    "It took longer than statement_timeout allows, or somebody has cancelled it. Reload, or ask "
    "for less.",
)
READ_ONLY = Failure(
    "read_only",
    "The database can only be read",
    "Pages that write nothing still work. DATABASE_URL may name a standby, or the disk may be "
    "read-only: let the lab write.",
)
DISK_FULL = Failure(
    "disk_full", "The database's disk is full", "Make room on it. What only reads may still work."
)
NO_MEMORY = Failure(
    "no_memory", "The database is out of memory", "Reload, or let fewer requests use it at once."
)
DAMAGED = Failure(
    "damaged",
    "The database is damaged",
    "With SQLite, stop the lab, delete perflab.sqlite3 in its folder var/ and start it again: it "
    "makes a new one. PostgreSQL's log says more.",
)
CANNOT_OPEN = Failure(
    "cannot_open",
    "The database's file cannot be opened",
    "Check that the file and its folder are there, and that the lab may read and write them.",
)
DISK_ERROR = Failure(
    "disk_error", "The database cannot read or write its disk", "The system's log says more."
)

# PostgreSQL's codes: whole ones first, then the classes, their first two characters.
BY_SQLSTATE = {
    "42P01": NO_TABLES,
    "42703": NO_COLUMNS,
    "53300": TOO_MANY_CONNECTIONS,
    "53100": DISK_FULL,
    "53200": NO_MEMORY,
    "55P03": LOCKED,  # lock_timeout, or NOWAIT
    "40P01": LOCKED,  # a deadlock
    "57014": CANCELLED,
    "40001": CANCELLED,  # on a standby: what the statement reads has changed meanwhile
    "25006": READ_ONLY,
    "42501": NO_PERMISSION,
    "3D000": NO_LOGIN,
    "28": NO_LOGIN,
    "08": NO_ANSWER,
    "57": NO_ANSWER,  # it shuts down, or has just started
    "58": DISK_ERROR,
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}
# SQLite's names begin with these.
BY_SQLITE_NAME = {
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": DAMAGED,
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_INTERRUPT": CANCELLED,
    "SQLITE_READONLY": READ_ONLY,
    "SQLITE_FULL": DISK_FULL,
    "SQLITE_NOMEM": NO_MEMORY,
    "SQLITE_PERM": NO_PERMISSION,
    "SQLITE_CANTOPEN": CANNOT_OPEN,
    "SQLITE_IOERR_SHMSIZE": DISK_FULL,  # no room for the index of its journal
    "SQLITE_IOERR": DISK_ERROR,
}
# A connection that PostgreSQL refuses has no code, only words.
BY_WORDS = {
    "too many clients": TOO_MANY_CONNECTIONS,
    "too many connections": TOO_MANY_CONNECTIONS,
    "connection slots are reserved": TOO_MANY_CONNECTIONS,
    "authentication failed": NO_LOGIN,
    "no password supplied": NO_LOGIN,
    "not permitted to log in": NO_LOGIN,
    "not currently accepting connections": NO_LOGIN,
    "no pg_hba.conf entry": NO_LOGIN,
    "does not exist": NO_LOGIN,  # the database, or the role
    "permission denied for database": NO_LOGIN,
    "a pooler stands between": POOLER,  # our own words, of perflab/postgresql/pooler.py
    # SQLite's, without a name or with one that says too little.
    "no such table": NO_TABLES,
    "no such column": NO_COLUMNS,
    "has no column named": NO_COLUMNS,
    "Could not decode to UTF-8": DAMAGED,
}


def recognize(exception):
    """Return which failure of the database an exception is; None if it is a defect."""
    if not isinstance(exception, Error):
        return None
    cause = exception.__cause__ or exception  # Django's exception comes from the driver's
    if state := getattr(cause, "sqlstate", None):
        return BY_SQLSTATE.get(state) or BY_SQLSTATE.get(state[:2])
    name = getattr(cause, "sqlite_errorname", "")
    for start, failure in BY_SQLITE_NAME.items():
        if name.startswith(start):
            return failure
    if not isinstance(exception, (OperationalError, InterfaceError)):
        return None
    message = str(exception)
    for words, failure in BY_WORDS.items():
        if words in message:
            return failure
    return None if name else NO_ANSWER  # SQLITE_ERROR: the statement is wrong


def close_connections():
    """Close this thread's connections: what they know of the database may be what was wrong.

    SQLite takes a file for damaged on a connection that has met it so, also when it is whole again,
    and such a connection passes Django's check.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def note(failure, exception):
    """Log a failure, at most once a minute for each kind, and write it down for /health/.

    The connections on which it may have happened are closed.
    """
    close_connections()
    now = time.time()
    if 0 <= now - noted.get(failure.kind, 0) < WRITE_EVERY_S:
        return
    noted[failure.kind] = now
    by_all = read_record()["logged"]  # by all workers
    last = max(logged.get(failure.kind, 0), by_all.get(failure.kind, 0))
    if not 0 <= now - last < LOG_EVERY_S:
        logged[failure.kind] = by_all[failure.kind] = now
        logger.error("%s (%s): %s", failure.what, failure.kind, in_one_line(exception))
    record = {"kind": failure.kind, "what": failure.what, "at": now, "logged": by_all}
    try:
        write_json(settings.VAR / "database_failure.json", record)
    except OSError as error:
        logger.warning("cannot write down the database's failure: %s", error)


def read_last():
    """Return the last failure that any worker has met: its kind, what it is and when; or None."""
    record = read_record()
    if not record["kind"]:
        return None
    at = datetime.fromtimestamp(record["at"], UTC).isoformat(timespec="seconds")
    return {"kind": record["kind"], "what": record["what"], "at": at}


def read_record():
    """Return what the workers have written down, without what cannot be right."""
    found = read_json(settings.VAR / "database_failure.json", dict, default={})
    at = found.get("at")
    times = found.get("logged") if isinstance(found.get("logged"), dict) else {}
    known = is_time(at) and isinstance(found.get("kind"), str)
    return {
        "kind": found["kind"] if known else "",
        "what": str(found.get("what", "")),
        "at": at if known else 0,
        "logged": {kind: when for kind, when in times.items() if is_time(when)},
    }


def is_time(value):
    """Return whether this is a time in seconds since the epoch."""
    return isinstance(value, (int, float)) and 0 < value < 32_503_680_000  # the year 3000


def in_one_line(exception):
    """Return what the database has said, as one line of at most 300 characters."""
    return " ".join(str(exception).split())[:300]
