"""How rows reach a database quickly and whole: COPY on PostgreSQL, a prepared INSERT on SQLite."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

from django.core.management.color import no_style
from django.db import Error, OperationalError, ProgrammingError, connection, transaction
from django.db.models import Count, Max

from movies.models import Country, Director, Movie, Review

Link = Movie.countries.through

# What is written, what is pointed at before what points at it.
COLUMNS = {
    Country: ("id", "code", "name"),
    Director: ("id", "name"),
    Movie: (
        *("id", "imdb_id", "title", "original_title"),
        *("year", "minutes", "synopsis", "director_id"),
    ),
    Link: ("id", "movie_id", "country_id"),
    Review: ("id", "movie_id", "reviewer", "score", "text"),
}
TABLES = [model._meta.db_table for model in COLUMNS]


@contextmanager
def alone(on_wait):
    """One transaction in which we write our tables and everybody else may only read them.

    Another process that is writing is waited for, after a call of `on_wait`. Foreign keys are not
    checked row by row, where the database lets us: the rows are right by construction (a test
    checks them), and on PostgreSQL the checks are half the work.
    """
    with connection.constraint_checks_disabled(), ExitStack() as stack:
        if connection.vendor == "sqlite":
            begin_on_sqlite(stack, on_wait)
            yield
        else:
            stack.enter_context(transaction.atomic())
            lock_on_postgresql(on_wait)
            with no_checks_on_postgresql():
                yield


def begin_on_sqlite(stack, on_wait):
    """Begin the transaction, however often SQLite gives up waiting for its turn."""
    while True:
        try:
            return stack.enter_context(transaction.atomic())
        except OperationalError as error:
            if getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise
            on_wait()


def lock_on_postgresql(on_wait):
    """Keep other writers out until the transaction ends; readers do not notice."""
    lock = f"LOCK TABLE {', '.join(TABLES)} IN SHARE ROW EXCLUSIVE MODE"
    with connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute("SET LOCAL lock_timeout = '3s'")  # an autovacuum gives way in 1 s
                cursor.execute(lock)
                cursor.execute("SET LOCAL lock_timeout = DEFAULT")
        except OperationalError:
            on_wait()
            cursor.execute(lock)


@contextmanager
def no_checks_on_postgresql():
    """Check no foreign keys, as a superuser may say (or who has been granted to SET it).

    For all others the checks are made block by block: put off until the commit they would fill the
    server's memory.
    """
    with connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute("SET LOCAL session_replication_role = replica")
            after = "SET LOCAL session_replication_role = origin"
        except ProgrammingError:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            after = "SET CONSTRAINTS ALL DEFERRED"
        yield
        cursor.execute(after)  # the caller's transaction may go on


def ahead(blocks):
    """The blocks, each made while the one before it is being written, where that is faster.

    A PostgreSQL server works in a process of its own. SQLite works in ours and would have to ask
    for Python's lock again after every row.
    """
    if connection.vendor == "sqlite":
        yield from blocks
        return
    with ThreadPoolExecutor(max_workers=1) as maker:
        coming = maker.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = maker.submit(next, blocks, None)
            yield block


def insert(cursor, model, rows):
    """Write rows, tuples in the order of COLUMNS."""
    insert_into(cursor, model._meta.db_table, COLUMNS[model], rows)


def insert_into(cursor, table, names, rows):
    """Write a list of rows, tuples in the order of the columns that are named."""
    columns = ", ".join(names)
    if connection.vendor == "postgresql":
        cursor.execute(f"SELECT {columns} FROM {table} LIMIT 0")
        types = [column.type_code for column in cursor.description]
        with (
            connection.wrap_database_errors,  # which Django does for execute(), not for copy()
            cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    else:
        places = ", ".join(["%s"] * len(names))
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)


def empty(cursor):
    """Delete every row.

    Not TRUNCATE, which on PostgreSQL would keep all readers waiting until the new films are there;
    after DELETE they read the old ones until the moment of the commit.
    """
    for table in reversed(TABLES):
        cursor.execute(f"DELETE FROM {table}")


def is_whole(model, rows):
    """Whether the table holds the rows 1 to `rows` and no others."""
    return model.objects.aggregate(n=Count("pk"), last=Max("pk")) == {
        "n": rows,
        "last": rows or None,
    }


def finish(cursor):
    """Still inside: let Django's own new ids follow ours, and let the planner know the tables."""
    if connection.vendor == "postgresql":
        for statement in connection.ops.sequence_reset_sql(no_style(), list(COLUMNS)):
            cursor.execute(statement)
    for table in TABLES:
        cursor.execute(f"ANALYZE {table}")


def tidy():
    """After the commit, in nobody's way: leave no work behind that would disturb a measurement.

    SQLite gives back its write-ahead log, as large as all that was written; PostgreSQL marks what
    everybody can see and what can be used again, instead of doing so during somebody's requests.
    """
    statements = ["PRAGMA wal_checkpoint(TRUNCATE)"]
    if connection.vendor == "postgresql":
        statements = [f"VACUUM {table}" for table in TABLES]
    if not connection.in_atomic_block:
        with suppress(Error), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
