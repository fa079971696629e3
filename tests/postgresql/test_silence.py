"""Test a PostgreSQL that is frozen: pages give up within seconds, and commands wait on.

tests/faults/test_parts.py freezes it, and its backends alone, under each worker class.
"""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.utils import ConnectionHandler

from perflab.measure.probe import probe
from perflab.postgresql import silence
from tests.support import services
from tests.support.labs import Lab
from tests.support.services import or_skip

PAGE = "/experiments/n-plus-one/fast/?movies=5"
WITHOUT_DATABASE = "/io-bound/?ms=1"
GIVES_UP_S = 25  # on a busy machine; the limits are 3 s and 8 s


def connect(server):
    where = {"host": str(server.folder), "user": "postgres", "dbname": "perflab"}
    return psycopg.connect(**where, autocommit=True)


@pytest.fixture(scope="module")
def server(may_start_servers):
    server = or_skip(services.PostgreSQL)
    yield server
    server.remove()


@pytest.fixture(scope="module", params=[1, 4], ids=["sync", "threads"])
def frozen_lab(request, server):
    """A lab of one worker, and its server; each test leaves both as it found them."""
    options = {"DATABASE_URL": server.url, "PERFLAB_TOOLBAR": "0"}
    with Lab(workers=1, threads=request.param, **options) as lab:
        assert lab.get(PAGE).status == 200
        yield lab, server


@contextmanager
def frozen(server):
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


def timed(lab, path):
    """Return the status of a page and how long it took, in seconds."""
    began = time.monotonic()
    return lab.get(path, timeout=60).status, time.monotonic() - began


def test_a_query_that_was_running_when_the_server_froze_ends_too(frozen_lab):
    lab, server = frozen_lab
    with (
        closing(connect(server)) as holder,
        holder.transaction(),
        ThreadPoolExecutor(1) as pool,
    ):
        holder.execute("LOCK TABLE movies_movie")
        page = pool.submit(timed, lab, PAGE)
        with closing(connect(server)) as observer:
            waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            services.wait_until(lambda: observer.execute(waiting).fetchone(), "the page waits")
        with frozen(server):
            status, took = page.result()

    assert status == 503
    assert took < GIVES_UP_S
    services.wait_until(lambda: lab.get(PAGE).status == 200, "the server's return", 20)


def test_a_reload_while_the_server_is_frozen_serves_what_needs_no_database(frozen_lab):
    lab, server = frozen_lab
    before = set(lab.worker_pids())

    with frozen(server):
        lab.process.send_signal(signal.SIGHUP)

        def is_new():
            try:
                answer = lab.get(WITHOUT_DATABASE)
            except OSError:
                return False
            return answer.status == 200 and answer.timing["worker"] not in before

        services.wait_until(is_new, "a new worker", 60)


@pytest.fixture
def on_postgresql(server, django_db_blocker):
    """A connection of Django's to a server, as pages and commands have it."""
    options = {
        **connection.settings_dict,
        "ENGINE": "perflab.postgresql",
        "NAME": "perflab",
        "USER": "postgres",
        "HOST": str(server.folder),
        "OPTIONS": {"connect_timeout": 3},
    }
    handler = ConnectionHandler({"default": options})
    with django_db_blocker.unblock():
        yield handler["default"]
        handler["default"].close()


def test_a_limit_is_for_pages_alone(on_postgresql, settings):
    settings.DATABASE_TIMEOUT_S = 0.3

    with on_postgresql.cursor() as cursor:  # as a command does it
        cursor.execute("SELECT pg_sleep(0.8)")
    with (
        probe(),
        pytest.raises(OperationalError, match=r"has not answered for 0\.3 s"),
        on_postgresql.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(5)")
    on_postgresql.close_if_unusable_or_obsolete()
    services.wait_until(lambda: not silence.is_silent(), "an answer in the background", 20)
    with probe(), on_postgresql.cursor() as cursor:
        cursor.execute("SELECT 2")
        assert cursor.fetchone() == (2,)


def test_one_thread_asks_however_many_pages_wait(monkeypatch):
    asked, go_on = [], threading.Event()

    def fail(**parameters):
        asked.append(threading.current_thread())
        if go_on.is_set():
            raise psycopg.OperationalError("refused")
        raise psycopg.errors.ConnectionTimeout

    monkeypatch.setattr(silence.psycopg, "connect", fail)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: silence.begin({}), range(50)))
    services.wait_until(lambda: len(asked) > 2, "some questions", 20)
    was_silent = silence.is_silent()
    go_on.set()
    services.wait_until(lambda: not silence.is_silent(), "the end", 20)

    assert was_silent
    assert len(set(asked)) == 1
