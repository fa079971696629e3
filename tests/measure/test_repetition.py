"""Test that repeating a statement shows what it reads, and changes nothing.

Each database is a real one: a file of SQLite's, which has a read-only mode, and PostgreSQL.
"""

import time
from contextlib import closing, contextmanager

import dj_database_url
import pytest
from django.db import OperationalError, connection, connections

from perflab.measure import repetition
from perflab.measure.repetition import NotRepeated, OnSQLite, explain, select
from tests.support import services
from tests.support.services import or_skip

TABLE = "CREATE TABLE films (id integer PRIMARY KEY, title varchar(20), year integer)"
ROWS = "INSERT INTO films VALUES (1, 'Metropolis', 1927), (2, 'M', 1931)"
ALIAS = "repeated"

READS = {  # by what they are, and how many rows they have
    "plain": ("SELECT id, title FROM films ORDER BY id", [], 2),
    "parameters": ("SELECT title FROM films WHERE id = %s AND year %% 2 = %s", [1, 1], 1),
    "quotes": ("SELECT title FROM films WHERE title = %s", ["it's \\ a ; -- %"], 0),
    "the same name twice": ("SELECT f.id, g.id FROM films f JOIN films g ON f.id = g.id", [], 2),
    "CTE": ("WITH a AS (SELECT 1 AS x) SELECT x FROM a", [], 1),
    "recursion": (
        "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a WHERE x < 9) "
        "SELECT x FROM a",
        [],
        9,
    ),
    "VALUES": ("VALUES (1), (2), (3)", [], 3),
    "bytes": ("SELECT %s AS a", [b"\\ \x00 ' ;"], 1),
    "several reads": ("SELECT id FROM films UNION ALL SELECT id FROM films", [], 4),
    "functions": (
        "SELECT lower(title), COALESCE(year, 0), count(*) OVER (), replace(title, 'M', 'N'), "
        "CAST(year AS varchar(9)), random(), CASE WHEN year IN (1927) THEN 1 END FROM films",
        [],
        2,
    ),
    "a function of Django's": ("SELECT md5(title), power(year, 2) FROM films", [], 2),
    "semicolon": ("SELECT id FROM films;", [], 2),
    "no parameters": ("SELECT id FROM films WHERE year % 2 = 1", None, 2),
}
READS_OF = {
    "postgresql": {
        "TABLE": ("TABLE films", [], 2),
        "sizes": ("SELECT pg_relation_size('films'), now(), statement_timestamp()", [], 1),
        "estimate": ("SELECT reltuples FROM pg_class WHERE relname = 'films'", [], 1),
        "an array": ("SELECT id FROM films WHERE id = ANY(%s)", [[1, 2]], 2),
        "pattern": (r"SELECT id FROM films WHERE title LIKE E'\\M%%' ESCAPE E'\\'", [], 2),
    },
    "sqlite": {
        "JSON": ("SELECT value FROM json_each('[1, 2]')", [], 2),
        "dates": ("SELECT django_date_extract('year', '2026-01-01')", [], 1),
        "REGEXP": ("SELECT id FROM films WHERE title REGEXP '^M$'", [], 1),
        "deviation": ("SELECT STDDEV_POP(year) FROM films", [], 1),
    },
}
REFUSED = [
    "DELETE FROM films",
    "UPDATE films SET year = 1",
    "INSERT INTO films VALUES (3, 'x', 1)",
    "SELECT 1; DELETE FROM films",
    "SELECT 1); DELETE FROM films; SELECT (1",
    "DROP TABLE films",
    "VACUUM",
    "EXPLAIN SELECT 1",
    "SELECT * FROM no_such_table",
    "SELECT no_such_function(1)",
    "nonsense",
    "",
]
REFUSED_BY = {
    "postgresql": [
        "WITH gone AS (DELETE FROM films RETURNING id) SELECT * FROM gone",
        "SELECT * INTO copied FROM films",
        "SELECT * FROM films FOR UPDATE",
        "SELECT * FROM films FOR SHARE",
        "SELECT pg_advisory_lock(7)",
        'SELECT pg_catalog."pg_try_advisory_lock" (7)',
        "SELECT 1 LIMIT (SELECT 1 FROM pg_advisory_lock(7))",
        "VALUES (pg_advisory_lock(7))",
        "SELECT 1 ORDER BY pg_advisory_lock(7)",
        "SELECT id FROM films WHERE pg_advisory_lock(7) IS NULL",
        "SELECT E'\\'' || pg_advisory_lock(7)::text --'",
        "SELECT $$'$$, pg_advisory_lock(7), $$'$$",
        "SELECT * FROM ROWS FROM (pg_advisory_lock(7)) AS x",
        "SELECT count(*) FILTER (WHERE pg_advisory_lock(7) IS NULL) FROM films",
        "SELECT 1 FROM films TABLESAMPLE SYSTEM (length(pg_advisory_lock(7)::text))",
        "SELECT id, rank() OVER (PARTITION BY pg_try_advisory_lock(7)) FROM films",
        "WITH a AS (SELECT pg_advisory_lock(7)) SELECT 1 FROM a",
        "TABLE films FOR UPDATE",
        "SELECT lo_get(1)",
        "SELECT pg_read_file('/etc/passwd')",
        'SELECT public."harmful"()',
        "SELECT nextval('counter')",
        "SELECT setval('counter', 50)",
        "SELECT set_config('work_mem', '1MB', false)",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT pg_sleep(9)",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
        "SELECT pg_notify('a', 'b')",
        "SELECT lo_create(0)",
        "SELECT lo_export(1, '/tmp/x')",
        "SELECT query_to_xml('SELECT pg_advisory_lock(7)', true, true, '')",
        "SELECT ts_stat('SELECT 1')",
        "SELECT pg_logical_emit_message(false, 'a', 'b')",
        "SELECT pg_switch_wal()",
        "SELECT pg_stat_reset()",
        "SELECT txid_current()",
        "SELECT harmless_by_its_word()",
        "SELECT harmful()",
        "SELECT Äffects()",
        "SELECT (films).attribute_of FROM films",
        "SELECT * FROM locking_view",
        "SELECT TREAT(9 AS pg_sleep)",
        "SELECT 1::locking_number",
        "SELECT 1 @@@@ 2",
        "COPY films TO '/tmp/x'",
        "DO 'BEGIN DELETE FROM films; END'",
        "CALL x()",
        "TRUNCATE films",
        "LOCK TABLE films",
        "LISTEN x",
        "SET work_mem = '1MB'",
        "PREPARE x AS DELETE FROM films",
        "DECLARE x CURSOR WITH HOLD FOR SELECT 1",
        "SELECT 1 WHERE false; COMMIT",
        "CREATE TEMP TABLE x AS SELECT 1",
    ],
    "sqlite": [
        "PRAGMA user_version = 5",
        "ATTACH DATABASE '/tmp/x' AS y",
        "SELECT load_extension('x')",
        "SELECT LOAD_EXTENSION('x')",
        "SELECT [load_extension]('x')",
        "SELECT 1 FROM films LIMIT (SELECT load_extension('x'))",
        "VALUES (load_extension('x'))",
        "SELECT * FROM pragma_table_info('films') WHERE name IN (SELECT load_extension('x'))",
        "SELECT fts3_tokenizer('simple')",
        "SELECT optimize(films) FROM films",
        "REPLACE INTO films VALUES (1, 'x', 1)",
        "WITH x AS (SELECT 1) DELETE FROM films",
        "BEGIN IMMEDIATE",
        "SAVEPOINT x",
        "REINDEX",
    ],
}
HARMFUL = """
CREATE SEQUENCE counter;
CREATE FUNCTION harmful() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM pg_advisory_lock(7)';
CREATE FUNCTION harmless_by_its_word() RETURNS int STABLE LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_advisory_lock(7); RETURN 1; END';
CREATE FUNCTION Äffects() RETURNS int STABLE LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_advisory_lock(7); RETURN 1; END';
CREATE FUNCTION attribute_of(films) RETURNS int STABLE LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_advisory_lock(7); RETURN 1; END';
CREATE DOMAIN locking_number AS int CHECK (harmless_by_its_word() = VALUE);
CREATE VIEW locking_view AS SELECT pg_advisory_lock(7) IS NULL
"""
OPERATOR = """
CREATE FUNCTION both_of(int, int) RETURNS int IMMUTABLE LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_advisory_lock(7); RETURN 1; END';
CREATE OPERATOR @@@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = both_of)
"""
# Reading "whole" reads "part", which a wrapper may get from a program (file_fdw).
FOREIGN_PART = """
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER wrapper;
CREATE TABLE whole (id int);
CREATE FOREIGN TABLE part () INHERITS (whole) SERVER elsewhere
"""


@contextmanager
def database(url, monkeypatch, unblocked):
    """Yield a connection to an empty database, known to Django by ALIAS."""
    config = dj_database_url.parse(url)
    if config["ENGINE"].endswith("postgresql"):
        config["ENGINE"] = "perflab.postgresql"
    settings = connections.configure_settings({"default": {}, ALIAS: config})
    monkeypatch.setitem(connections.settings, ALIAS, settings[ALIAS])
    with unblocked.unblock():
        one = connections[ALIAS]
        try:
            with one.cursor() as cursor:
                if one.vendor == "postgresql":
                    cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
                cursor.execute(TABLE)
                cursor.execute(ROWS)
            yield one
        finally:
            one.close()
            del connections[ALIAS]


@pytest.fixture
def sqlite(tmp_path, monkeypatch, django_db_blocker):
    with database(f"sqlite:///{tmp_path}/a%20%23.sqlite3", monkeypatch, django_db_blocker) as one:
        with one.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")
        yield one


@pytest.fixture(scope="module")
def server(may_start_servers):
    server = or_skip(services.PostgreSQL)
    yield server
    server.remove()


@pytest.fixture
def on_postgresql(server, monkeypatch, django_db_blocker):
    with database(server.url, monkeypatch, django_db_blocker) as one:
        with one.cursor() as cursor:
            cursor.execute(HARMFUL)
        yield one


@pytest.fixture(params=["sqlite", pytest.param("on_postgresql", marks=pytest.mark.server)])
def films(request):
    return request.getfixturevalue(request.param)


def state(films):
    """All that a statement could have changed."""
    questions = ["SELECT * FROM films ORDER BY id"]
    if films.vendor == "postgresql":
        questions += [
            "SELECT last_value, is_called FROM counter",
            "SELECT count(*) FROM pg_class",
            "SELECT count(*) FROM pg_largeobject_metadata",
            "SELECT objid FROM pg_locks WHERE locktype = 'advisory'",
            "SELECT pg_snapshot_xmax(pg_current_snapshot())",
        ]
    else:
        questions += ["PRAGMA user_version", "SELECT name FROM sqlite_master"]
    with films.cursor() as cursor:
        return [cursor.execute(one) and cursor.fetchall() or cursor.fetchall() for one in questions]


def test_each_read_is_shown_and_explained(films):
    before = state(films)

    for name, (sql, params, rows) in {**READS, **READS_OF[films.vendor]}.items():
        answer = select(sql, params, ALIAS)
        plan = explain(sql, params, ALIAS)

        assert len(answer.rows) == rows, name
        assert len(answer.headers) == len(answer.rows[0]) if rows else answer.headers, name
        assert plan.rows or films.vendor == "sqlite", name
    assert state(films) == before


def test_whatever_may_do_more_is_refused_and_changes_nothing(films):
    before = state(films)

    for sql in [*REFUSED, *REFUSED_BY[films.vendor]]:
        for ask in (select, explain):
            began = time.monotonic()
            with pytest.raises(NotRepeated) as reason:
                ask(sql, None, ALIAS)
            assert str(reason.value)
            assert time.monotonic() - began < 4, sql
    assert state(films) == before


def test_a_value_cannot_end_the_text_around_it(on_postgresql):
    for sql in ("SELECT '%s'", "SELECT '%s' --", "SELECT E'%s'"):
        with pytest.raises(NotRepeated):
            select(sql, ["|| pg_advisory_lock(7) ||"], ALIAS)


def test_a_lab_with_a_dangerous_operator_repeats_nothing(on_postgresql):
    with on_postgresql.cursor() as cursor:
        cursor.execute(OPERATOR)

    with pytest.raises(NotRepeated, match="operator"):
        select("SELECT id @@@@ 2 FROM films", [], ALIAS)


def test_a_table_with_a_foreign_part_is_not_read(on_postgresql):
    with on_postgresql.cursor() as cursor:
        cursor.execute(FOREIGN_PART)

    for ask in (select, explain):
        with pytest.raises(NotRepeated, match="part in another one"):
            ask("SELECT id FROM whole", [], ALIAS)


def test_a_database_that_the_settings_no_longer_name_is_told():
    with pytest.raises(NotRepeated, match="no such database"):
        select("SELECT 1", [], "another")


@pytest.mark.parametrize(
    "forbidden",
    ["DELETE FROM films", "CREATE TABLE x (id integer)", "DROP TABLE films"],
)
def test_the_connection_itself_can_only_read(films, forbidden, monkeypatch):
    """What the words let pass by, the database refuses."""
    monkeypatch.setattr(repetition, "find_fault", lambda tokens: "")
    before = state(films)

    for ask in (select, explain):
        with pytest.raises(NotRepeated, match="The database says"):
            ask(forbidden, [], ALIAS)
    with pytest.raises(NotRepeated, match="The database says|does not fit"):
        select(f"SELECT 1; {forbidden}", [], ALIAS)

    assert state(films) == before


def test_a_pragma_is_no_table_to_read(sqlite):
    # Its plan is another matter: newer versions of SQLite make one without running the pragma.
    with pytest.raises(NotRepeated, match="not authorized"):
        select("SELECT * FROM pragma_user_version", [], ALIAS)


def test_the_file_itself_is_open_for_reading_only(sqlite):
    """What SQLite would not ask about, it could not write."""
    with OnSQLite.opened(sqlite.copy()) as run, run.connection.cursor() as cursor:
        run.connection.connection.set_authorizer(None)

        with pytest.raises(OperationalError, match="readonly"):
            cursor.execute("DELETE FROM films")


def test_an_endless_statement_ends(films, monkeypatch):
    monkeypatch.setattr(repetition, "TIMEOUT_MS", 300)
    endless = "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x FROM a) SELECT count(*) FROM a"

    with pytest.raises(NotRepeated, match="interrupted|statement timeout"):
        select(endless, [], ALIAS)


def test_many_rows_are_cut(films, monkeypatch):
    monkeypatch.setattr(repetition, "MAX_ROWS", 10)
    many = "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM a) SELECT x FROM a"

    if films.vendor == "postgresql":
        many = "SELECT generate_series(1, 20)"
    answer = select(many, [], ALIAS)

    assert (len(answer.rows), answer.is_cut) == (10, True)
    assert not select("SELECT id FROM films", [], ALIAS).is_cut


@pytest.mark.parametrize("params", [[], [1, 2], {}, {"a": 1}, [None, {}], [[[]]], 5])
def test_parameters_of_another_statement_are_told(films, params):
    with pytest.raises(NotRepeated):
        select("SELECT id FROM films WHERE id = %s", params, ALIAS)


def test_a_writer_at_work_does_not_hold_up_the_reader(films):
    other = films.copy()
    with closing(other):
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("DELETE FROM films")

        assert len(select("SELECT id FROM films", [], ALIAS).rows) == 2
        other.rollback()


@pytest.mark.django_db
def test_it_is_another_connection_and_ends(django_db_setup):
    before = connection.connection

    answer = select("SELECT count(*) FROM movies_movie", [])

    assert answer.rows[0][0] == 1851
    assert connection.connection is before
