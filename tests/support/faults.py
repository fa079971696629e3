"""What is done to a part of a running lab: context managers, in whose block the fault lasts.

Each takes the lab's stand (tests/support/stands.py) and the server of the part, None where the part
is no server.
"""

import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing, contextmanager

import psutil
import psycopg
import redis

from tests.support import services
from tests.support.disks import FOLDERS
from tests.support.services import wait_until


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
def full(stand, server):
    stand.disk.fill()
    try:
        yield
    finally:
        stand.disk.empty()


@contextmanager
def read_only(stand, server):
    """Nobody can write into the folders of var/; the database's file is not in one of them."""
    for name in FOLDERS:
        stand.disk.make_read_only(name)
    try:
        yield
    finally:
        for name in FOLDERS:
            stand.disk.make_writable(name)


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
