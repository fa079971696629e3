"""Test that a database of somebody else is refused before anything is written into it."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from urllib.parse import quote

import psycopg
import pytest
from django.db.migrations.loader import MigrationLoader

from perflab import ownership
from tests.support.labs import ROOT

COMMANDS = {
    "migrate": [sys.executable, "manage.py", "migrate", "--verbosity=0"],
    "seed": [sys.executable, "manage.py", "seed"],
    "seed --reset": [sys.executable, "manage.py", "seed", "--reset"],
    "import_imdb": [sys.executable, "manage.py", "import_imdb", "."],
    "flush": [sys.executable, "manage.py", "flush", "--noinput"],
    "loaddata": [sys.executable, "manage.py", "loaddata", "any.json"],
    "createcachetable": [sys.executable, "manage.py", "createcachetable"],
    "verify": [sys.executable, "manage.py", "verify"],
    "measure": [sys.executable, "manage.py", "measure", "bulk-writes"],
    "probe_cost": [sys.executable, "manage.py", "probe_cost"],
    "runserver": [sys.executable, "manage.py", "runserver", "--noreload", "127.0.0.1:0"],
    "release": ["sh", "deploy/release"],
    "gunicorn": [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1"],
    "the launcher": [sys.executable, "-m", "perflab.launcher.prepare"],
}
# Commands of Django that only look, and are let.
LOOKING = {name: [sys.executable, "manage.py", name] for name in ("sqlflush", "inspectdb")}
# A shop for films, with names that the lab has too, and with migrations of the same name.
FOREIGN = """
    CREATE TABLE django_migrations (id integer, app varchar(255), name varchar(255), applied text);
    INSERT INTO django_migrations VALUES (1, 'auth', '0001_initial', 'then');
    INSERT INTO django_migrations VALUES (2, 'movies', '0001_initial', 'then');
    CREATE TABLE auth_user (id integer, username varchar(150));
    CREATE TABLE movies_movie (id integer, title varchar(300), price integer);
    INSERT INTO movies_movie VALUES (1, 'Metropolis', 12);
"""
# Only migrations of ours, but tables that none of our releases had.
ALIKE = FOREIGN.replace("'auth', '0001_initial'", "'movies', '0002_seeding'").replace(
    "CREATE TABLE auth_user (id integer, username varchar(150));", ""
)
DROP = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


class SQLiteFile:
    """A SQLite file that tests fill."""

    is_postgresql = False

    def __init__(self, path):
        self.path = path
        self.url = f"sqlite:///{quote(str(path))}"

    def execute(self, script):
        with closing(sqlite3.connect(self.path)) as file:
            file.executescript(script)

    def content(self):
        return self.path.read_bytes()


class Database:
    """A database of a PostgreSQL server that tests fill."""

    is_postgresql = True

    def __init__(self, server):
        self.server = server
        self.url = server.url

    def connect(self):
        where = {"host": str(self.server.folder), "user": "postgres", "dbname": "perflab"}
        return psycopg.connect(**where, autocommit=True)

    def execute(self, script):
        with self.connect() as connection:
            connection.execute(script)

    def content(self):
        """Return all columns, all rows, and how many transactions wrote something."""
        with self.connect() as connection:
            columns = connection.execute(
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = 'public' ORDER BY 1, 2"
            ).fetchall()
            tables = sorted({table for table, _ in columns})
            rows = [connection.execute(f"SELECT * FROM {t}").fetchall() for t in tables]
            written = connection.execute("SELECT txid_snapshot_xmax(txid_current_snapshot())")
            return columns, rows, written.fetchone()


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request, tmp_path):
    """An empty database."""
    if request.param == "SQLite":
        return SQLiteFile(tmp_path / "other.sqlite3")
    return request.getfixturevalue("on_postgresql")


@pytest.fixture
def on_postgresql(postgresql):
    """An empty database of PostgreSQL; it is empty again afterwards."""
    found = Database(postgresql)
    found.execute(DROP)
    yield found
    found.execute(DROP)


@pytest.fixture
def run(may_start_servers, tmp_path):
    """A function that runs a command of COMMANDS on a database."""

    def run(name, database, *arguments):
        path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
        own = {"DATABASE_URL": database.url, "PERFLAB_VAR": str(tmp_path / "var"), "PATH": path}
        return subprocess.run(
            [*(COMMANDS | LOOKING)[name], *arguments],
            cwd=ROOT,
            env={**os.environ, **own, "REDIS_URL": ""},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.mark.parametrize(
    ("name", "holds"),
    [*((name, FOREIGN) for name in COMMANDS if name != "gunicorn"), ("migrate", ALIKE)],
    ids=[*(name for name in COMMANDS if name != "gunicorn"), "tables alike"],
)
def test_a_database_of_somebody_else_is_refused_before_anything_is_written(
    database, run, name, holds
):
    database.execute(holds)
    before = database.content()

    done = run(name, database)

    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "is not the lab's: it holds " in done.stderr
    assert "movies_movie" in done.stderr
    assert "Nothing was written." in done.stderr
    assert "--reset" not in done.stderr
    assert database.content() == before


@pytest.mark.parametrize("name", LOOKING)
def test_a_command_that_only_looks_changes_nothing(database, run, name):
    database.execute(FOREIGN)
    before = database.content()

    done = run(name, database)

    assert done.returncode == 0, done.stderr
    assert database.content() == before


GUNICORNS = {
    "wsgi": ["perflab.wsgi"],
    "threads": ["--threads", "2", "perflab.wsgi"],
    "asgi": ["--worker-class", "asgi", "perflab.asgi"],
    "without its configuration": ["--config", "/dev/null", "perflab.wsgi"],
}


@pytest.mark.parametrize("arguments", GUNICORNS.values(), ids=GUNICORNS)
def test_a_gunicorn_that_was_started_by_hand_ends_on_a_database_of_somebody_else(
    database, run, arguments
):
    database.execute(FOREIGN)
    before = database.content()

    done = run("gunicorn", database, *arguments)

    assert done.returncode in (1, 3), done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("perflab: ")]
    assert "is not the lab's: it holds " in lines[0]
    assert "Traceback" not in done.stderr
    assert database.content() == before


def test_a_view_or_an_empty_table_of_somebody_else_is_enough(database, run):
    database.execute("CREATE TABLE notes (id integer)")

    assert "it holds notes." in run("migrate", database).stderr

    database.execute("DROP TABLE notes; CREATE VIEW answer AS SELECT 42 AS number")

    assert "it holds answer." in run("migrate", database).stderr


def test_an_empty_database_is_taken_and_marked(database, run):
    assert run("migrate", database).returncode == 0

    marker = f"INSERT INTO copy SELECT {ownership.MARKER_COLUMN} FROM {ownership.MARKER_TABLE}"
    database.execute(f"CREATE TABLE copy (project text PRIMARY KEY); {marker}")
    # The marker proves that the database is ours, so a table beside the lab's does no harm.
    assert run("migrate", database).returncode == 0
    assert run("seed", database, "--movies=2").returncode == 0


def targets():
    """Return each state of an earlier release: its last migration of movies, and of perflab."""
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    names = sorted(name for app, name in graph.nodes if app == "movies")
    return [(name, perflab) for name in names for perflab in ("zero", "0001_cache_table")]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("movies", "perflab"), targets())
def test_the_database_of_an_earlier_release_is_adopted(database, run, movies, perflab):
    assert run("migrate", database, "movies", movies).returncode == 0
    if perflab != "zero":
        assert run("migrate", database, "perflab", perflab).returncode == 0

    adopted = run("migrate", database)

    assert adopted.returncode == 0, adopted.stderr
    assert run("seed", database, "--movies=2").returncode == 0


def test_the_database_of_the_last_release_without_a_marker_is_adopted(database, run):
    assert run("migrate", database, "movies", "0006_loans").returncode == 0
    assert run("migrate", database, "perflab", "0001_cache_table").returncode == 0

    assert run("migrate", database).returncode == 0

    database.execute("CREATE TABLE notes (id integer)")
    assert run("migrate", database).returncode == 0  # since the marker is there


def test_what_looks_like_an_earlier_release_but_for_a_column_is_refused(database, run):
    assert run("migrate", database, "movies").returncode == 0
    database.execute("ALTER TABLE movies_tonight ADD COLUMN price integer")

    refused = run("migrate", database)

    assert refused.returncode == 2
    assert "it holds movies_tonight, " in refused.stderr


def test_a_marker_that_says_something_else_is_none(database, run):
    database.execute("CREATE TABLE perflab_marker (project text)")
    database.execute("INSERT INTO perflab_marker VALUES ('a shop')")

    assert "it holds perflab_marker." in run("migrate", database).stderr


@pytest.mark.parametrize("app", ["NULL", "x'ff00'"])
def test_whatever_the_list_of_migrations_holds_the_refusal_names_the_tables(tmp_path, app):
    file = SQLiteFile(tmp_path / "db.sqlite3")
    file.execute(FOREIGN + f"INSERT INTO django_migrations VALUES (3, {app}, NULL, 'then');")

    with closing(sqlite3.connect(file.path)) as connection:
        found = ownership.read(
            lambda statement: connection.execute(statement).fetchall(), ownership.SQLITE_COLUMNS
        )

    assert "movies_movie" in ownership.find_fault(found)


def test_postgresql_is_only_asked_in_a_transaction_that_cannot_write(on_postgresql, run):
    on_postgresql.execute(FOREIGN)
    on_postgresql.execute("ALTER DATABASE perflab SET log_statement = 'all'")
    start = len(on_postgresql.server.log.read_text())

    refused = run("migrate", on_postgresql)

    on_postgresql.execute("ALTER DATABASE perflab RESET log_statement")
    assert "is not the lab's" in refused.stderr
    log = on_postgresql.server.log.read_text()[start:].partition("RESET log_statement")[0]
    statements = re.findall(r"(?:statement|execute [^:]*):\s+(\w+)", log)
    assert set(statements) <= {"BEGIN", "SET", "SELECT", "COMMIT", "ALTER"}, statements
    assert log.index("SET TRANSACTION READ ONLY") < log.index("pg_class")


def test_a_table_of_an_extension_is_not_somebody_s(on_postgresql, run):
    with on_postgresql.connect() as connection:
        found = connection.execute(
            "SELECT name FROM pg_available_extensions WHERE name = 'pg_stat_statements'"
        ).fetchone()
    if not found:
        pytest.skip("PostgreSQL has no pg_stat_statements here")
    on_postgresql.execute("CREATE EXTENSION pg_stat_statements")

    assert run("migrate", on_postgresql).returncode == 0


def test_the_migration_writes_the_marker_that_is_looked_for():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    (create, insert) = loader.get_migration("perflab", "0002_marker").operations[0].sql

    assert create.startswith(f"CREATE TABLE {ownership.MARKER_TABLE} ({ownership.MARKER_COLUMN} ")
    assert insert[1] == [ownership.MARKER]


def test_the_words_name_few_tables_and_count_the_others():
    tables = {f"shop_{number}": frozenset({"id"}) for number in range(9)}
    found = ownership.Found(tables, frozenset({(app, "0001_initial") for app in "edcba"}))

    assert ownership.find_fault(found) == (
        "shop_0, shop_1, shop_2 and 6 other tables (migrations of a, b, c, others)"
    )
    assert json.dumps(ownership.find_fault(ownership.Found({}, frozenset()))) == '""'
