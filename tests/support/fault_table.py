"""The table of faults: part × fault × worker class × database, and what a client may see."""

from dataclasses import dataclass

from tests.support import faults

CLASSES = {
    "sync": {"workers": 2},
    "gthread": {"workers": 1, "threads": 4},
    "gevent": {"workers": 1, "arguments": ("--worker-class", "gevent")},
    "asgi": {"workers": 1, "arguments": ("--worker-class", "asgi"), "application": "perflab.asgi"},
}
FREE = "/io-bound/?ms=1"  # needs no part at all
READS = "/experiments/n-plus-one/fast/?movies=5"
WRITES = "/experiments/index-price/fast/?movies=1&loans=5000"
TRACED = f"{READS}&trace=1"  # writes a file below var/
CACHES = ("redis", "memcached")
CACHED = "/experiments/low-level-cache/fast/?movies=20&cache="

# In seconds. What a machine that is slow just now takes longer comes on top (Trial.patience_s).
NO_WAIT_S = 5  # a page that waits for nothing
BACK_S = 3  # all is served again: 0.1 to 0.4 s on a quiet machine
NEW_WORKER_S = 30  # a worker has been started, and answers: 2 to 5 s on a quiet machine

OK, AWAY = {200}, {503}
EITHER = OK | AWAY  # a page that was under way, or on a connection that was kept


@dataclass(frozen=True)
class Fault:
    """What is done to a part, for how long, and what a client may see of each kind of page."""

    part: str
    make: object  # one of tests/support/faults.py
    sees: dict  # the statuses by path; a path that is not here is served as ever
    health: set
    lasts_s: float = 1
    within_s: float = NO_WAIT_S  # an answer comes
    back_s: float = BACK_S
    logs: str = ""  # what the lab has to write into its log meanwhile

    @property
    def name(self):
        return f"{self.part} {self.make.__name__.removesuffix('_worker')}"

    @property
    def paths(self):
        """The pages that are asked for: they need nothing, read, write, and need the part."""
        more = [CACHED + self.part] if self.part in CACHES else []
        more = [TRACED] if self.part == "disk" else more
        return [FREE, READS, WRITES, *more]


def database_fault(make, health=AWAY, sees=EITHER, part="postgresql", **options):
    return Fault(part, make, {READS: sees, WRITES: sees}, health, **options)


# A frozen server costs a page 3 s for a connection or 8 s for an answer, and the next ones nothing.
SILENT = {"lasts_s": 5, "within_s": 25}
LOST = {path: OK | {None} for path in (FREE, READS, WRITES)}  # what the worker had under way
NOT_KEPT = "A trace is not kept"
FAULTS = [
    database_fault(faults.killed),
    database_fault(faults.frozen, **SILENT),
    database_fault(faults.backends_frozen, EITHER, **SILENT),
    database_fault(faults.refusing),
    database_fault(faults.slow, OK, OK, within_s=25),
    database_fault(faults.killed, part="pgbouncer"),
    database_fault(faults.frozen, part="pgbouncer", **SILENT),
    database_fault(faults.slow, OK, OK, part="pgbouncer", within_s=25),
    *(
        Fault(part, make, {}, OK)
        for part in CACHES
        for make in (faults.killed, faults.frozen, faults.slow)
    ),
    Fault("redis", faults.refusing, {}, OK),
    # A writer waits for 5 s. With sync workers others wait behind it.
    Fault("sqlite", faults.locked, {WRITES: EITHER}, OK, lasts_s=7, within_s=40),
    database_fault(faults.damaged, EITHER, part="sqlite"),
    # SQLite may have room left in its journal, or none for the first connection, which makes that.
    Fault(
        "disk",
        faults.full,
        {READS: EITHER, WRITES: EITHER, TRACED: EITHER},
        EITHER,
        logs=NOT_KEPT,
    ),
    Fault("disk", faults.read_only, {}, OK, logs=NOT_KEPT),
    Fault("worker", faults.killed_worker, LOST, OK, back_s=NEW_WORKER_S),
    # It may hold the lock of SQLite.
    Fault(
        "worker",
        faults.frozen_worker,
        {**LOST, WRITES: EITHER | {None}},
        OK,
        within_s=30,
        back_s=NEW_WORKER_S,
    ),
]
# Each part breaks in labs on these databases. "impatient" is SQLite with a Gunicorn that soon kills
# a silent worker, "small" SQLite on a disk of its own.
ON = {"sqlite": ["sqlite"], "postgresql": ["postgresql"], "pgbouncer": ["pgbouncer"]}
ON |= {"worker": ["impatient"], "disk": ["small"]}
ON |= {part: ["sqlite", "postgresql"] for part in CACHES}
ALWAYS = [
    ("postgresql frozen", "gevent", "postgresql"),
    ("postgresql killed", "gthread", "postgresql"),
    ("postgresql backends_frozen", "gthread", "postgresql"),
    ("sqlite locked", "gthread", "sqlite"),
    ("redis frozen", "asgi", "sqlite"),
    ("worker killed", "gthread", "impatient"),
    ("disk full", "gthread", "small"),
]


def cells():
    """Return each fault with each worker class and database that it is tried on, in that order."""
    found = []
    for database in ("sqlite", "postgresql", "pgbouncer", "impatient", "small"):
        for worker_class in CLASSES:
            for fault in FAULTS:
                if database in ON[fault.part]:
                    found.append((worker_class, database, fault))
    return found


def is_always_tried(worker_class, database, fault):
    """Whether a cell runs in each run of the suite, not only with --all."""
    return (fault.name, worker_class, database) in ALWAYS
