"""Test that a failure of the database is named, logged once and reported, with real databases."""

import json
import random
import sqlite3
from collections import Counter
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError
from django.test import Client

from perflab.catalogue import registry
from perflab.web import database_failures
from tests.support import services
from tests.support.labs import Lab
from tests.support.services import or_skip

READING = "/experiments/n-plus-one/fast/?movies=5"
WRITING = "/experiments/index-price/fast/"


@pytest.fixture(scope="module")
def server(may_start_servers):
    server = or_skip(services.PostgreSQL, max_connections="12")
    with closing(connect(server)) as connection:
        connection.execute("CREATE ROLE app LOGIN SUPERUSER")
    yield server
    server.remove()


def connect(server, **options):
    where = {"host": str(server.folder), "user": "postgres", "dbname": "perflab"}
    return psycopg.connect(**{**where, **options}, autocommit=True)


@pytest.fixture(scope="module")
def lab(server):
    url = server.url.replace("postgres://postgres@", "postgres://app@")
    with Lab(workers=1, PERFLAB_TOOLBAR="0", DATABASE_URL=url) as lab:
        yield lab


@contextmanager
def told(server, statement, undo):
    """Change the server for what the lab asks on new connections, and then undo it."""
    with closing(connect(server)) as connection:
        connection.execute(statement)
        disconnect_the_lab(connection)
        try:
            yield connection
        finally:
            connection.execute(undo)
            disconnect_the_lab(connection)


def disconnect_the_lab(connection):
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'app'"
    )


@contextmanager
def no_free_connection(server):
    with closing(connect(server)) as first:
        disconnect_the_lab(first)
        held = []
        try:
            with suppress(psycopg.OperationalError):
                while True:
                    held.append(connect(server))
            yield
        finally:
            for connection in held:
                connection.close()


@contextmanager
def locked_films(server, limit):
    """Hold a lock on the films, and let the lab wait for it for a tenth of a second."""
    with (
        told(server, f"ALTER ROLE app SET {limit} = '100ms'", f"ALTER ROLE app RESET {limit}"),
        closing(connect(server)) as connection,
        connection.transaction(),
    ):
        connection.execute("LOCK TABLE movies_movie")
        yield


def without_rights(server):
    return told(
        server,
        "ALTER ROLE app NOSUPERUSER; REVOKE ALL ON movies_movie FROM app",
        "ALTER ROLE app SUPERUSER; GRANT ALL ON movies_movie TO app",
    )


def only_readable(server):
    setting = "default_transaction_read_only"
    return told(server, f"ALTER ROLE app SET {setting} = on", f"ALTER ROLE app RESET {setting}")


def without_login(server):
    return told(server, "ALTER ROLE app NOLOGIN", "ALTER ROLE app LOGIN")


@pytest.mark.parametrize(
    ("fault", "path", "kind"),
    [
        (no_free_connection, READING, "too_many_connections"),
        (lambda server: locked_films(server, "lock_timeout"), READING, "locked"),
        (lambda server: locked_films(server, "statement_timeout"), READING, "cancelled"),
        (without_rights, READING, "no_permission"),
        (without_login, READING, "no_login"),
        (only_readable, WRITING, "read_only"),
    ],
)
def test_what_postgresql_says_is_named_logged_once_and_reported(lab, server, fault, path, kind):
    with fault(server):
        answers = [lab.get(path) for _ in range(5)]
        health = lab.get("/health/")
    after = lab.get(path)
    health_after = lab.get("/health/")

    failure = next(f for f in all_failures() if f.kind == kind)
    assert {answer.status for answer in answers} == {503}
    assert failure.what.replace("'", "&#x27;") in answers[0].text
    assert "It says: " in answers[0].text
    assert [line for line in lab.log_text().splitlines() if f"({kind}): " in line][1:] == []
    assert f"({kind}): " in lab.log_text()
    for state in (health, health_after):
        assert json.loads(state.text)["database"]["last_failure"]["kind"] == kind
    assert after.status == health_after.status == 200


def all_failures():
    return [f for f in vars(database_failures).values() if isinstance(f, database_failures.Failure)]


def test_health_says_why_the_database_is_down(lab, server):
    with no_free_connection(server):
        answer = lab.get("/health/")

    assert answer.status == 503
    state = json.loads(answer.text)["database"]
    assert state["state"] == "down"
    assert state["reason"] == "The database takes no more connections"


# Where a file is damaged: the share of it before, and how many bytes are written over. The films
# begin behind the screenplays, at 0.53.
DAMAGES = [(0, 100), (0, 4096), (0.01, 50_000), (0.53, 400_000), (0.001, None)]


@pytest.mark.parametrize(("share", "length"), DAMAGES)
def test_a_damaged_sqlite_file_is_no_defect_of_the_lab(
    may_start_servers, seeded_database, share, length
):
    chance = random.Random(1)
    with Lab(seeded_database, workers=1, PERFLAB_TOOLBAR="0") as lab:
        path = lab.var / "perflab.sqlite3"
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            size = path.stat().st_size
            start = int(size * share)
            file.seek(start)
            if length is None:
                file.truncate()
            else:
                file.write(chance.randbytes(length))
        lab.process.send_signal(1)  # HUP: new workers, which open the file anew
        services.wait_until(lambda: "Handling signal: hup" in lab.log_text(), "the reload")
        services.wait_until(lambda: answers(lab), "an answer")

        statuses = Counter()
        for experiment in registry.runnable():
            for variant in experiment.variants:
                page = f"/experiments/{experiment.slug}/{variant.name}/?movies=20"
                statuses[lab.get(page).status] += 1

        # 404: the variants of caches that this lab does not have.
        assert set(statuses) <= {200, 404, 503}, lab.log_text()[-5000:]
        assert statuses[503]
        assert "(damaged): " in lab.log_text()


def answers(lab):
    try:
        return lab.get("/").status == 200
    except OSError:
        return False


def wrapped(kind, cause):
    error = kind(str(cause))
    error.__cause__ = cause
    return error


def sqlite_error(statement, **options):
    """Return the error that SQLite really raises for a statement."""
    with closing(sqlite3.connect(":memory:", **options)) as connection:
        try:
            connection.executescript(statement)
        except sqlite3.Error as error:
            return error
    raise AssertionError(statement)


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("PRAGMA query_only = 1; CREATE TABLE a (b)", "read_only"),
        ("SELECT * FROM missing", "no_tables"),
        ("CREATE TABLE a (b); SELECT c FROM a", "no_columns"),
        ("ATTACH '/nowhere/at/all' AS other", "cannot_open"),
        ("PRAGMA max_page_count = 1; CREATE TABLE a (b)", "disk_full"),
        ("SELEKT 1", None),
        ("SELECT nothing()", None),
        ("CREATE TABLE a (b UNIQUE); INSERT INTO a VALUES (1), (1)", None),
    ],
)
def test_what_sqlite_says_is_recognized(statement, kind):
    failure = database_failures.recognize(wrapped(OperationalError, sqlite_error(statement)))

    assert (failure and failure.kind) == kind


def test_no_room_for_the_index_of_sqlites_journal_is_a_full_disk():
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"

    assert database_failures.recognize(wrapped(OperationalError, error)).kind == "disk_full"


def test_a_defect_stays_a_defect():
    for error in (ValueError("no such table"), ProgrammingError("x"), DatabaseError("x")):
        assert database_failures.recognize(error) is None
    syntax = wrapped(ProgrammingError, psycopg.errors.SyntaxError("syntax error"))
    assert database_failures.recognize(syntax) is None


@pytest.mark.django_db
@pytest.mark.parametrize("local", ["loopback", "never"])
def test_only_a_local_visitor_is_told_the_database_s_own_words(
    settings, tmp_path, monkeypatch, local
):
    settings.LOCAL, settings.VAR = local, tmp_path

    def fail(*arguments, **options):
        raise OperationalError('connection to "db.internal" failed')

    monkeypatch.setattr("django.db.models.query.QuerySet._fetch_all", fail)

    page = Client(SERVER_NAME="127.0.0.1").get("/films/").content.decode()

    assert "The database does not answer" in page
    assert ("db.internal" in page) is (local == "loopback")


@pytest.fixture
def clock(settings, tmp_path, monkeypatch):
    """A folder and a memory without failures, and a clock that the test sets."""
    settings.VAR = tmp_path
    monkeypatch.setattr(database_failures, "noted", {})
    monkeypatch.setattr(database_failures, "logged", {})
    clock = [1_000_000.0]
    monkeypatch.setattr(database_failures.time, "time", lambda: clock[0])
    return clock


def test_a_kind_is_logged_once_a_minute_by_all_workers_together(clock, caplog, monkeypatch):
    error = OperationalError("away")

    for _ in range(250):
        database_failures.note(database_failures.NO_ANSWER, error)
        database_failures.note(database_failures.LOCKED, error)
        clock[0] += 0.5
        if clock[0] % 7 == 0:  # another worker, which knows only what is written down
            monkeypatch.setattr(database_failures, "noted", {})
            monkeypatch.setattr(database_failures, "logged", {})

    kinds = Counter(record.args[1] for record in caplog.records)
    assert kinds == {"no_answer": 3, "locked": 3}  # in 125 s


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"at": "now"}', '{"at": 1e300, "kind": "x"}', '{"logged": [1]}']
)
def test_a_record_that_cannot_be_right_is_no_failure(clock, tmp_path, text):
    (tmp_path / "database_failure.json").write_text(text)

    assert database_failures.read_last() is None
    database_failures.note(database_failures.LOCKED, OperationalError("x"))
    assert database_failures.read_last()["at"] == "1970-01-12T13:46:40+00:00"


def test_a_full_disk_does_not_keep_the_failure_from_being_logged(clock, caplog, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(database_failures, "write_json", fail)
    for _ in range(20):
        database_failures.note(database_failures.LOCKED, OperationalError("x"))
        clock[0] += 2

    assert [r.levelname for r in caplog.records].count("ERROR") == 1
