"""One part after the other is killed, frozen, refuses or is slow, under load, and comes back.

The table says what a client may see meanwhile. For each fault, worker class and database: every
answer has a status that the table allows and comes in time, pages that need no such part are
served, all pages are soon served again, and nothing is lost: no worker, no content.

A few cells run always, the whole table with `--all`. `-s` shows what was measured.
"""

import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import psutil
import psycopg
import pytest
import redis

from tests.support import services
from tests.support.labs import Lab
from tests.support.loads import load
from tests.support.services import or_skip, wait_until

CLASSES = {
    "sync": {"workers": 2},
    "gthread": {"workers": 1, "threads": 4},
    "gevent": {"workers": 1, "arguments": ("--worker-class", "gevent")},
    "asgi": {"workers": 1, "arguments": ("--worker-class", "asgi"), "application": "perflab.asgi"},
}
FREE = "/io-bound/?ms=1"  # needs no part at all
READS = "/experiments/n-plus-one/fast/?movies=5"
WRITES = "/experiments/index-price/fast/?movies=1"
CACHES = ("redis", "memcached")
CACHED = "/experiments/low-level-cache/fast/?movies=20&cache="
BACK_S = 5  # all is served again: 0.1 s or so on a quiet machine
NO_WAIT_S = 5  # a page that waits for nothing, on a busy machine

OK, AWAY = {200}, {503}
EITHER = OK | AWAY  # a page that was under way, or on a connection that was kept


@contextmanager
def killed(stand, server):
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def frozen(stand, server):
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@contextmanager
def slow(stand, server):
    """The server stands still for 40 ms again and again."""
    over = threading.Event()

    def hold_up():
        while not over.wait(0.02):
            for process in server.processes():
                process.suspend()
            time.sleep(0.04)
            server.thaw()

    thread = threading.Thread(target=hold_up)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        server.thaw()


@contextmanager
def connected(server):
    where = {"host": str(server.folder), "user": "postgres", "dbname": "postgres"}
    with closing(psycopg.connect(**where, autocommit=True)) as connection:
        yield connection


@contextmanager
def refusing(stand, server):
    """PostgreSQL lets nobody in, and Redis wants a password."""
    if isinstance(server, services.Redis):
        with redis.from_url(server.url) as client:
            client.config_set("requirepass", "secret")
            client.client_kill_filter(_type="normal", skipme=True)
            try:
                yield
            finally:
                client.config_set("requirepass", "")
        return
    with connected(server) as connection:
        connection.execute("ALTER DATABASE perflab ALLOW_CONNECTIONS false")
        ends = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        connection.execute(f"{ends} WHERE datname = 'perflab'")
        try:
            yield
        finally:
            connection.execute("ALTER DATABASE perflab ALLOW_CONNECTIONS true")


@contextmanager
def backends_frozen(stand, server):
    """The connections that the lab has just now do not answer; new ones do."""
    with connected(server) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = 'perflab'"
        backends = [psutil.Process(pid) for (pid,) in connection.execute(query)]
    for backend in backends:
        backend.suspend()
    try:
        yield
    finally:
        for backend in backends:
            backend.resume()


@contextmanager
def locked(stand, server):
    with closing(sqlite3.connect(stand.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def damaged(stand, server):
    with stand.file.open("r+b") as file:
        whole = file.read(100)
        file.seek(0)
        file.write(random.Random(1).randbytes(100))
        file.flush()
        yield
        file.seek(0)
        file.write(whole)


@contextmanager
def killed_worker(stand, server):
    os.kill(stand.lab.worker_pids()[0], signal.SIGKILL)
    yield


@contextmanager
def frozen_worker(stand, server):
    """Gunicorn kills a worker that has been silent for so long."""
    pid = stand.lab.worker_pids()[0]
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: not psutil.pid_exists(pid), "the end of a frozen worker")
    yield


@dataclass(frozen=True)
class Fault:
    """What is done to a part, for how long, and what a client may see of each kind of page."""

    part: str
    make: object
    sees: dict  # the statuses by path; a path that is not here is served as ever
    health: set
    lasts_s: float = 1
    within_s: float = NO_WAIT_S  # an answer comes, on a busy machine

    @property
    def name(self):
        return f"{self.part} {self.make.__name__.removesuffix('_worker')}"


def database_fault(make, health=AWAY, sees=EITHER, part="postgresql", **options):
    return Fault(part, make, {READS: sees, WRITES: sees}, health, **options)


# A frozen server costs a page 3 s for a connection or 8 s for an answer, and the next ones nothing.
SILENT = {"lasts_s": 5, "within_s": 25}
LOST = {path: OK | {None} for path in (FREE, READS, WRITES)}  # what the worker had under way
FAULTS = [
    database_fault(killed),
    database_fault(frozen, **SILENT),
    database_fault(backends_frozen, EITHER, **SILENT),
    database_fault(refusing),
    database_fault(slow, OK, OK, within_s=25),
    database_fault(killed, part="pgbouncer"),
    database_fault(frozen, part="pgbouncer", **SILENT),
    database_fault(slow, OK, OK, part="pgbouncer", within_s=25),
    *(Fault(part, make, {}, OK) for part in CACHES for make in (killed, frozen, slow)),
    Fault("redis", refusing, {}, OK),
    # A writer waits for 5 s. With sync workers others wait behind it.
    Fault("sqlite", locked, {WRITES: EITHER}, OK, lasts_s=7, within_s=40),
    database_fault(damaged, EITHER, part="sqlite"),
    Fault("worker", killed_worker, LOST, OK),
    # It may hold the lock of SQLite.
    Fault("worker", frozen_worker, {**LOST, WRITES: EITHER | {None}}, OK, within_s=30),
]
# Each part breaks in labs on these databases. "impatient" is SQLite with a Gunicorn that soon kills
# a silent worker. A cache does not know of the database: one worker class will do for the second.
ON = {"postgresql": ["postgresql"], "pgbouncer": ["pgbouncer"], "worker": ["impatient"]}
ON |= {part: ["sqlite"] for part in ("sqlite", *CACHES)}
CACHES_ON_POSTGRESQL = "gthread"
ALWAYS = [
    ("postgresql frozen", "sync", "postgresql"),
    ("postgresql frozen", "gevent", "postgresql"),
    ("postgresql killed", "gthread", "postgresql"),
    ("postgresql backends_frozen", "gthread", "postgresql"),
    ("sqlite locked", "gthread", "sqlite"),
    ("redis frozen", "asgi", "sqlite"),
    ("worker killed", "gthread", "impatient"),
]


def cells():
    """Return each fault with each worker class and database that it is tried on, in that order."""
    found = []
    for database in ("sqlite", "postgresql", "pgbouncer", "impatient"):
        for worker_class in CLASSES:
            for fault in FAULTS:
                on = ON[fault.part]
                if fault.part in CACHES and worker_class == CACHES_ON_POSTGRESQL:
                    on = [*on, "postgresql"]
                if database in on:
                    cell = (fault.name, worker_class, database)
                    marks = [] if cell in ALWAYS else [pytest.mark.exhaustive]
                    name = "-".join(cell).replace(" ", "-")
                    found.append(pytest.param(*cell[1:], fault, marks=marks, id=name))
    return found


class Stand:
    """A lab of one worker class on one database, with servers of its own for all its parts."""

    def __init__(self, worker_class, database, seeded, opened):
        self.parts = {"redis": or_skip(services.Redis), "memcached": or_skip(services.Memcached)}
        opened.callback(lambda: [server.remove() for server in reversed(self.parts.values())])
        options = {"REDIS_URL": self.parts["redis"].url, "PERFLAB_TOOLBAR": "0"}
        options["MEMCACHED_URL"] = self.parts["memcached"].url
        shape = CLASSES[worker_class]
        if database == "impatient":
            shape = {**shape, "workers": 2}
            shape["arguments"] = (*shape.get("arguments", ()), "--timeout", "4")
        elif database != "sqlite":
            server = self.parts["postgresql"] = or_skip(services.PostgreSQL)
            if database == "pgbouncer":
                pooler = self.parts["pgbouncer"] = or_skip(services.PgBouncer, server)
                server = pooler
            options["DATABASE_URL"] = server.url + "?disable_server_side_cursors=1"
        self.lab = opened.enter_context(Lab(seeded, **shape, **options))
        self.file = self.lab.var / "perflab.sqlite3"


@pytest.fixture(scope="module")
def stand_for(seeded_database):
    """A function that returns the stand of a worker class and database; one at a time is kept."""
    with ExitStack() as opened:
        kept = {}

        def make(worker_class, database):
            if (worker_class, database) not in kept:
                opened.close()
                kept.clear()
                stand = Stand(worker_class, database, seeded_database, opened)
                kept[worker_class, database] = stand
            return kept[worker_class, database]

        yield make


def is_served_by_all(lab, path):
    """Whether a page is answered several times in a row: each worker learns by itself."""
    return all(lab.get(path, timeout=60).status == 200 for _ in range(8))


@pytest.mark.parametrize(("worker_class", "database", "fault"), cells())
def test_a_client_sees_what_the_table_allows_and_all_is_soon_as_before(
    request, stand_for, worker_class, database, fault
):
    stand = stand_for(worker_class, database)
    lab = stand.lab
    paths = [FREE, READS, WRITES]
    paths += [CACHED + part for part in CACHES if part == fault.part]
    whole = {path: lab.get(path).text for path in paths if path != FREE}
    workers = set(lab.worker_pids())
    logged = len(lab.log_text())

    with load(lab, paths) as visits:
        time.sleep(0.3)
        left = time.monotonic()
        with fault.make(stand, stand.parts.get(fault.part)):
            time.sleep(fault.lasts_s)
            health = lab.get("/health/", timeout=60)
        back = time.monotonic()
        for path in paths:
            wait_until(lambda path=path: is_served_by_all(lab, path), path, 60)
        again = time.monotonic()
        time.sleep(0.4)
    longest = max(visit.ended - visit.began for visit in visits)
    found = f"longest answer {longest:.2f} s, all served again after {again - back:.2f} s"
    print(f"{request.node.callspec.id}: {found}")

    meanwhile = [visit for visit in visits if visit.ended > left and visit.began < again]
    assert {v.status for v in visits if v.ended <= left or v.began >= again} == OK
    for path in paths:
        seen = {visit.status for visit in meanwhile if visit.path == path}
        assert seen <= fault.sees.get(path, OK), (path, seen)
    assert health.status in fault.health
    assert longest < fault.within_s
    assert again - back < BACK_S
    assert {path: lab.get(path).text for path in whole} == whole
    if fault.part != "worker":
        assert set(lab.worker_pids()) == workers
    assert "Traceback" not in lab.log_text()[logged:]
    assert not list(lab.var.rglob(".*.draft"))
