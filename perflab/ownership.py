"""Whether a database is the lab's own. It is looked at before anything is written into it.

A DATABASE_URL that another project has left in the shell names a database whose tables may even
have our names. So `check_database` allows three kinds, and refuses every other one:

- an empty database;
- one with the marker that `migrate` writes (perflab/migrations/0002_marker.py);
- one without it whose migrations, tables and columns are exactly those of an earlier release.

Only the schemas in which the lab's tables would be made are looked at.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from perflab.base.messages import count_of
from perflab.base.sqlite_file import IN_MEMORY, MARKER_TABLE

MARKER_COLUMN = "project"  # of MARKER_TABLE
MARKER = "perflab, a teaching lab for Django performance"
MIGRATIONS_TABLE = "django_migrations"
MIGRATIONS_COLUMNS = frozenset({"id", "app", "name", "applied"})
# What migrations make without a model, by the migration.
TABLES_WITHOUT_MODEL = {
    ("perflab", "0001_cache_table"): ("lab_cache", {"cache_key", "value", "expires"}),
    ("perflab", "0002_marker"): (MARKER_TABLE, {MARKER_COLUMN}),
}
NAMED = 3  # tables that a refusal names

SQLITE_COLUMNS = """
    SELECT m.name, c.name FROM sqlite_master m LEFT JOIN pragma_table_xinfo(m.name) c
    WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite@_%' ESCAPE '@'
"""
# Tables and views that can be named without their schema, but those that belong to an extension.
POSTGRESQL_COLUMNS = """
    SELECT c.relname, a.attname FROM pg_class c
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_table_is_visible(c.oid)
    AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg|_%' ESCAPE '|')
    AND c.relnamespace <> 'information_schema'::regnamespace
    AND NOT EXISTS (
        SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
"""

Tables = dict[str, frozenset[str]]  # the columns of each table and view
Ask = Callable[[str], list[Any]]  # returns the rows of a statement


class NotOurs(Exception):
    """Say in one line what stands in a database that is not the lab's."""


@dataclass(frozen=True)
class Found:
    """What a database holds."""

    tables: Tables
    migrations: frozenset[tuple[str, str]]  # (app, name) of those that were applied
    is_marked: bool = False


def check_database(alias: str = "default") -> None:
    """Raise NotOurs unless the database is empty or the lab's own. Nothing is written into it.

    Raises Django's database errors too.
    """
    connection = connections[alias]
    found = read_database(connection)
    if fault := find_fault(found):
        name = connection.settings_dict["NAME"]
        raise NotOurs(
            f"the {connection.display_name} database {name} is not the lab's: it holds {fault}. "
            "Nothing was written. If DATABASE_URL is left over from another project, unset it or "
            "let it name an empty database."
        )


def find_fault(found: Found) -> str:
    """Return what a database holds that is not the lab's; "" if it is the lab's, or empty."""
    if not found.tables or found.is_marked:
        return ""
    ours = tables_after(found.migrations)
    if found.tables == ours:
        return ""
    # Tables that are not as ours come first: the others say less.
    named = sorted(found.tables, key=lambda name: (found.tables[name] == ours.get(name), name))
    fault = ", ".join(named[:NAMED])
    if len(named) > NAMED:
        fault += f" and {count_of(len(named) - NAMED, 'other tables')}"
    apps = sorted({app for app, _ in found.migrations})
    if len(apps) > NAMED:
        apps[NAMED:] = ["others"]
    return f"{fault} (migrations of {', '.join(apps)})" if apps else fault


def tables_after(migrations: frozenset[tuple[str, str]]) -> Tables:
    """Return the tables that these migrations make, if they are all ours; else none of them."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    tables: Tables = {MIGRATIONS_TABLE: MIGRATIONS_COLUMNS}
    if not migrations <= loader.graph.nodes.keys():
        return tables
    state = loader.project_state(sorted(migrations))
    for model in state.apps.get_models(include_auto_created=True):
        columns = {str(field.column) for field in model._meta.local_concrete_fields}
        tables[model._meta.db_table] = frozenset(columns)
    for migration in migrations & TABLES_WITHOUT_MODEL.keys():
        table, names = TABLES_WITHOUT_MODEL[migration]
        tables[table] = frozenset(names)
    return tables


def read_database(connection: BaseDatabaseWrapper) -> Found:
    """Return what a database holds, read in a transaction that cannot write."""
    is_sqlite = connection.vendor == "sqlite"
    if is_sqlite and not str(connection.settings_dict["NAME"]).startswith(IN_MEMORY):
        return read_sqlite_file(connection)
    with transaction.atomic(connection.alias), connection.cursor() as cursor:

        def ask(statement: str) -> list[Any]:
            cursor.execute(statement)
            return list(cursor.fetchall())

        if is_sqlite:
            return read(ask, SQLITE_COLUMNS)
        cursor.execute("SET TRANSACTION READ ONLY")
        return read(ask, POSTGRESQL_COLUMNS)


def read_sqlite_file(connection: BaseDatabaseWrapper) -> Found:
    """Return what a SQLite file holds. Django's own connection would change the file's mode."""
    path = Path(connection.settings_dict["NAME"]).absolute()
    if not path.exists():
        return Found({}, frozenset())
    with (
        connection.wrap_database_errors,
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file,
    ):
        file.execute("BEGIN")
        return read(lambda statement: file.execute(statement).fetchall(), SQLITE_COLUMNS)


def read(ask: Ask, columns: str) -> Found:
    """Return what a database holds; `columns` is the statement for its tables and columns."""
    names: dict[str, set[str]] = {}
    for table, column in ask(columns):
        names.setdefault(table, set()).update([column] if column else [])
    tables = {table: frozenset(columns) for table, columns in names.items()}
    migrations = frozenset[tuple[str, str]]()
    if tables.get(MIGRATIONS_TABLE, frozenset()) >= {"app", "name"}:
        rows = ask(f"SELECT app, name FROM {MIGRATIONS_TABLE}")
        # Somebody else's columns hold anything: nothing (NULL), or bytes.
        migrations = frozenset((str(app), str(name)) for app, name in rows)
    is_marked = False
    if tables.get(MARKER_TABLE) == frozenset({MARKER_COLUMN}):
        is_marked = (MARKER,) in map(tuple, ask(f"SELECT {MARKER_COLUMN} FROM {MARKER_TABLE}"))
    return Found(tables, migrations, is_marked)
