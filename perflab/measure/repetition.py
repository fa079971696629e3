"""Repeat a statement of a request for a visitor: its rows, or the database's plan for it.

Only what reads is repeated, and so that it cannot do anything else. On SQLite a connection of its
own opens the file for reading, and SQLite asks it about each step and each function of the
statement. On PostgreSQL a connection of its own begins a READ ONLY transaction, which is rolled
back; there it is asked first what the statement would call, since READ ONLY stops no function that
takes a lock, ends a session or writes a file.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, connections

from .statements import Token, Unreadable, find_called, find_fault, find_names, read_tokens

TIMEOUT_MS = 5000
LOCK_TIMEOUT_MS = 1000
MAX_ROWS = 5000
ONLY_READS = "Only what reads is repeated: one SELECT, WITH … SELECT, VALUES or TABLE."


class NotRepeated(Exception):
    """Say why a statement is not repeated, or has no answer; the visitor reads it."""


@dataclass
class Answer:
    """The names of the columns, and the rows."""

    headers: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool = False  # whether there are more than MAX_ROWS


def select(sql: str, params: Any, alias: str = DEFAULT_DB_ALIAS) -> Answer:
    """Return the rows of a statement, MAX_ROWS at most. Raises NotRepeated."""
    return _run(alias, lambda run: run.select(sql, params))


def explain(sql: str, params: Any, alias: str = DEFAULT_DB_ALIAS) -> Answer:
    """Return the database's plan for a statement, a row for each step. Raises NotRepeated.

    SQLite explains and runs nothing. PostgreSQL runs the statement (ANALYZE, BUFFERS).
    """
    return _run(alias, lambda run: run.explain(sql, params))


def _run(alias: str, ask: Callable[[Any], Answer]) -> Answer:
    if alias not in connections:  # the statement was made with other settings
        raise NotRepeated("The lab has no such database any more.")
    connection = connections[alias].copy()
    kind = OnPostgreSQL if connection.vendor == "postgresql" else OnSQLite
    try:
        with kind.opened(connection) as run:
            try:
                return ask(run)
            except Error as error:
                raise NotRepeated(f"The database says: {error}") from error
            except Unreadable as reason:
                raise NotRepeated(f"{reason} {ONLY_READS}") from reason
            # The parameters are not those that were written with the statement.
            except (ArithmeticError, IndexError, KeyError, TypeError, ValueError) as error:
                raise NotRepeated("The statement does not fit its parameters.") from error
    finally:
        connection.close()


def check(sql: str) -> list[Token]:
    """Return the tokens of a statement that reads. Raises NotRepeated and Unreadable."""
    tokens = read_tokens(sql)
    if fault := find_fault(tokens):
        raise NotRepeated(f"{fault} {ONLY_READS}")
    return tokens


class OnSQLite:
    """Runs statements on a connection that can only read."""

    # What SQLite says of a function: it has no side effects, or its result depends on nothing else.
    INNOCUOUS, DETERMINISTIC = 0x200000, 0x800
    STEPS = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
    TABLES = ("json_each", "json_tree")
    CHECK_EVERY = 10_000  # steps of SQLite's machine between two looks at the clock

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    @classmethod
    @contextmanager
    def opened(cls, connection: Any) -> Iterator["OnSQLite"]:
        """Yield one on this connection, which is not open yet; it has Django's functions."""
        settings = connection.settings_dict
        settings["OPTIONS"] = {"timeout": LOCK_TIMEOUT_MS / 1000}  # no pragma, no kind of BEGIN
        if not connection.is_in_memory_db():  # which has no other name; the tests use one
            settings["NAME"] = f"{Path(settings['NAME']).absolute().as_uri()}?mode=ro"
        connection.ensure_connection()
        raw = connection.connection
        for name in cls.TABLES:  # SQLite makes such a table when it is first named
            with suppress(sqlite3.OperationalError):  # an SQLite without it
                raw.execute(f"SELECT 1 FROM {name}('[]')")
        allowed = cls.find_harmless(raw)
        deadline = perf_counter() + TIMEOUT_MS / 1000

        def allow(action: int, first: str | None, second: str | None, *where: str | None) -> int:
            if action == sqlite3.SQLITE_FUNCTION:
                is_allowed = (second or "").lower() in allowed
            else:
                is_allowed = action in cls.STEPS
            return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY

        raw.set_authorizer(allow)
        raw.set_progress_handler(lambda: perf_counter() > deadline, cls.CHECK_EVERY)
        with closing(raw):  # Django leaves a database in memory open
            yield cls(connection)

    @classmethod
    def find_harmless(cls, raw: Any) -> set[str]:
        """Return the functions without side effects: those that SQLite calls so, and Django's."""
        question = "SELECT lower(name), flags & ? FROM pragma_function_list"
        flags = [cls.INNOCUOUS | cls.DETERMINISTIC]
        with closing(sqlite3.connect(":memory:")) as bare:
            of_sqlite = {name for name, _ in bare.execute(question, flags)}
        found = raw.execute(question, flags)
        return {name for name, is_harmless in found if is_harmless or name not in of_sqlite}

    def select(self, sql: str, params: Any) -> Answer:
        check(sql)
        return self.run(sql, params)

    def explain(self, sql: str, params: Any) -> Answer:
        check(sql)
        return self.run(f"EXPLAIN QUERY PLAN {sql}", params)

    def run(self, sql: str, params: Any) -> Answer:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            headers = [column[0] for column in cursor.description]
            rows = cursor.fetchmany(MAX_ROWS + 1)
        return Answer(headers, rows[:MAX_ROWS], len(rows) > MAX_ROWS)


class OnPostgreSQL:
    """Runs statements in a transaction that can only read, and that is rolled back."""

    FIRST_OWN = 16384  # PostgreSQL's own objects have lower numbers
    # Those without an effect, of the functions that PostgreSQL calls volatile.
    HARMLESS = (
        *("clock_timestamp", "gen_random_uuid", "random", "random_normal", "timeofday"),
        *("uuidv4", "uuidv7", "bernoulli", "system", "pg_database_size", "pg_indexes_size"),
        *("pg_relation_size", "pg_table_size", "pg_tablespace_size", "pg_total_relation_size"),
    )
    # And those with one, of the others: they use up a transaction's number.
    HARMFUL = ("pg_current_xact_id", "txid_current")
    LOOK = """
        SELECT 'It calls ' || proname || ', which may do more than read.' FROM pg_proc
        WHERE proname = ANY(%(called)s::name[])
        AND (provolatile = 'v' AND proname <> ALL(%(harmless)s) OR proname = ANY(%(harmful)s))
        UNION ALL
        SELECT 'It names ' || proname || ', a function that is not PostgreSQL''s own.' FROM pg_proc
        WHERE proname = ANY(%(names)s::name[]) AND oid >= %(first_own)s
        UNION ALL
        SELECT 'It names ' || relname || ', which is not simply a table: reading it may call '
        || 'functions.' FROM pg_class
        WHERE relname = ANY(%(names)s::name[]) AND oid >= %(first_own)s
        AND (relkind IN ('v', 'f') OR relrowsecurity)
        UNION ALL
        SELECT 'A table of this database has a part in another one (' || relname || '): reading it '
        || 'may call functions.' FROM pg_class
        WHERE relkind = 'f' AND oid IN (SELECT inhrelid FROM pg_inherits)
        UNION ALL
        SELECT 'It names ' || typname || ', a type that may call functions.' FROM pg_type
        WHERE typname = ANY(%(names)s::name[]) AND oid >= %(first_own)s AND typtype = 'd'
        UNION ALL
        SELECT 'An operator or a cast of this database may do more than read.' FROM pg_proc
        WHERE oid >= %(first_own)s AND (provolatile = 'v' OR prolang NOT IN (
            SELECT oid FROM pg_language WHERE lanname IN ('internal', 'c')
        ))
        AND (oid IN (SELECT oprcode FROM pg_operator) OR oid IN (SELECT castfunc FROM pg_cast))
        LIMIT 1
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    @classmethod
    @contextmanager
    def opened(cls, connection: Any) -> Iterator["OnPostgreSQL"]:
        """Yield one on this connection, which is not open yet, within a transaction."""
        connection.settings_dict["OPTIONS"].pop("pool", None)
        connection.ensure_connection()
        connection.connection.read_only = True
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            cursor.execute("SET LOCAL standard_conforming_strings = on")  # TOKEN reads texts so
        try:
            yield cls(connection)
        finally:
            with suppress(Error):  # where the server has gone, nothing is left to roll back
                connection.rollback()

    def select(self, sql: str, params: Any) -> Answer:
        from psycopg import ServerCursor

        text = self.check(sql, params)
        with ServerCursor(self.connection.connection, "repeated") as cursor:
            return self.run(cursor, text)

    def explain(self, sql: str, params: Any) -> Answer:
        from psycopg import Cursor

        text = self.check(sql, params)
        with Cursor(self.connection.connection) as cursor:
            return self.run(cursor, f"EXPLAIN (ANALYZE, BUFFERS) {text}", binary=True)

    def run(self, cursor: Any, text: str, **options: Any) -> Answer:
        """Run one statement: both kinds of cursor use the protocol that takes no second one."""
        with self.connection.wrap_database_errors:
            cursor.execute(text, **options)
            headers = [column.name for column in cursor.description]
            rows = cursor.fetchmany(MAX_ROWS + 1)
        return Answer(headers, rows[:MAX_ROWS], len(rows) > MAX_ROWS)

    def check(self, sql: str, params: Any) -> str:
        """Return the statement with its parameters in it. Raises NotRepeated and Unreadable.

        The lab reads what PostgreSQL will: a value cannot end a text that stands around it.
        """
        with self.connection.wrap_database_errors:
            text = self.connection.ops.compose_sql(sql, params)
        tokens = check(text)
        asked = {
            "called": list(find_called(tokens)),
            "names": list(find_names(tokens)),
            "harmless": list(self.HARMLESS),
            "harmful": list(self.HARMFUL),
            "first_own": self.FIRST_OWN,
        }
        with self.connection.cursor() as cursor:
            cursor.execute(self.LOOK, asked)
            found = cursor.fetchone()
        if found:
            raise NotRepeated(f"{found[0]} {ONLY_READS}")
        return str(text)
