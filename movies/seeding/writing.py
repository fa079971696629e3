"""Write rows quickly and in one transaction: COPY on PostgreSQL, a prepared INSERT on SQLite."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

from django.core.management.color import no_style
from django.db import Error, OperationalError, ProgrammingError, connection, transaction
from django.db.models import Count, Max

from movies.models import (
    Country,
    Director,
    Draft,
    IndexedLoan,
    Listing,
    Loan,
    Movie,
    Poll,
    Print,
    QueuedTask,
    Review,
    Tonight,
    VisitorSession,
)

Link = Movie.countries.through

# The columns that are written. A table comes after the tables to which its foreign keys point.
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
# The tables into which the experiments write. A worker that was killed leaves rows there.
OF_EXPERIMENTS = [
    model._meta.db_table
    for model in (
        *(Draft, IndexedLoan, Listing, Loan, Poll, Print),
        *(QueuedTask, Tonight, VisitorSession),
    )
]


@contextmanager
def exclusive_transaction(on_wait):
    """Run a block in one transaction in which nobody else may write our tables.

    If another process is writing them, call `on_wait` and wait for it. Foreign keys are not checked
    row by row, where the database allows it: the rows are right by construction (a test checks
    them), and on PostgreSQL the checks are half the work.
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
    """Begin the transaction, again and again while SQLite times out waiting for its lock."""
    while True:
        try:
            return stack.enter_context(transaction.atomic())
        except OperationalError as error:
            if getattr(error.__cause__, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise
            on_wait()


def lock_on_postgresql(on_wait):
    """Lock the tables against other writers until the transaction ends; readers do not wait."""
    lock = f"LOCK TABLE {', '.join(TABLES)} IN SHARE ROW EXCLUSIVE MODE"
    with connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute("SET LOCAL lock_timeout = '3s'")  # an autovacuum ends after 1 s
                cursor.execute(lock)
                cursor.execute("SET LOCAL lock_timeout = DEFAULT")
        except OperationalError:
            on_wait()
            cursor.execute(lock)


@contextmanager
def no_checks_on_postgresql():
    """Turn off the checks of foreign keys, where we may (a superuser, or a role with the grant).

    Where we may not, the checks are made block by block: deferred until the commit they would fill
    the server's memory.
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
        cursor.execute(after)  # because the caller's transaction may go on


def make_ahead(blocks):
    """Yield the blocks, and on PostgreSQL make each one while the one before it is being written.

    A PostgreSQL server works in a process of its own. SQLite works in our process, where it would
    have to wait for Python's lock after every row.
    """
    if connection.vendor == "sqlite":
        yield from blocks
        return
    with ThreadPoolExecutor(max_workers=1) as maker:
        next_block = maker.submit(next, blocks, None)
        while (block := next_block.result()) is not None:
            next_block = maker.submit(next, blocks, None)
            yield block


def insert(cursor, model, rows):
    """Write rows: tuples in the order of COLUMNS."""
    insert_into(cursor, model._meta.db_table, COLUMNS[model], rows)


def insert_into(cursor, table, names, rows):
    """Write a list of rows: tuples in the order of the named columns."""
    columns = ", ".join(names)
    if connection.vendor == "postgresql":
        cursor.execute(f"SELECT {columns} FROM {table} LIMIT 0")
        types = [column.type_code for column in cursor.description]
        with (
            connection.wrap_database_errors,  # Django does so for execute(), not for copy()
            cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    else:
        places = ", ".join(["%s"] * len(names))
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)


def delete_all(cursor):
    """Delete every row, also of the tables into which the experiments write.

    On PostgreSQL, TRUNCATE would make all readers wait until the new films are there. After DELETE
    they read the old films until the commit.
    """
    for table in (*OF_EXPERIMENTS, *reversed(TABLES)):
        cursor.execute(f"DELETE FROM {table}")


def is_whole(model, rows):
    """Return whether the table holds the rows 1 to `rows` and no others."""
    return model.objects.aggregate(n=Count("pk"), last=Max("pk")) == {
        "n": rows,
        "last": rows or None,
    }


def analyse(cursor):
    """Let Django's own new ids follow ours, and let the planner know what the tables hold."""
    if connection.vendor == "postgresql":
        for statement in connection.ops.sequence_reset_sql(no_style(), list(COLUMNS)):
            cursor.execute(statement)
    for table in TABLES:
        cursor.execute(f"ANALYZE {table}")


def tidy_up():
    """Do work after the commit that would otherwise disturb a measurement.

    SQLite empties its write-ahead log, which is as large as all that was written. PostgreSQL marks
    the rows that everybody can see and the space that it can use again, which it would else do
    during somebody's requests.
    """
    statements = ["PRAGMA wal_checkpoint(TRUNCATE)"]
    if connection.vendor == "postgresql":
        statements = [f"VACUUM {table}" for table in (*TABLES, *OF_EXPERIMENTS)]
    if not connection.in_atomic_block:
        with suppress(Error), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
