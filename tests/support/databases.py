"""Run commands on databases of their own, as a user would run them."""

import contextlib
import hashlib
import os
import sqlite3
import subprocess
import sys

import psycopg

from tests.support.labs import ROOT
from tests.support.services import tie_to_parent

# pytest may import this file before Django is set up: the functions import what needs models.


OLD, NEW = 2_000, 8_000  # films: before a seeding and after it


class Database:
    """A database of our tables, and the commands that are run on it."""

    def __init__(self, folder, url=""):
        self.environment = {
            **os.environ,
            "PERFLAB_VAR": str(folder),
            "DATABASE_URL": url,
            "PERFLAB_TOOLBAR": "0",  # it is slow to import, and of no use here
        }
        self.processes = []

    def start(self, *arguments, **options):
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"preexec_fn": tie_to_parent(), **options},
        )
        self.processes.append(process)
        return process

    def manage(self, *arguments, **options):
        """Run a command to its end: exit status, output, errors."""
        process = self.start(*arguments, **options)
        output, errors = process.communicate(timeout=100)
        return process.returncode, output, errors

    def seed(self, *arguments):
        """Run `seed`, which must succeed without a word of complaint; its output."""
        status, output, errors = self.manage("seed", *arguments)
        assert (status, errors) == (0, "")
        return output

    def query(self, sql):
        with contextlib.closing(self.connect()) as connection:
            return list(connection.execute(sql))

    def execute(self, sql):
        with contextlib.closing(self.connect()) as connection:
            connection.execute(sql)

    def counts(self):
        """Rows in each table, by its name."""
        from movies.seeding import writing

        return {t: self.query(f"SELECT COUNT(*) FROM {t}")[0][0] for t in writing.TABLES}

    def digest(self):
        """A hash of every column of every row of every table."""
        from movies.seeding import writing

        digest = hashlib.sha256()
        for model, columns in writing.COLUMNS.items():
            table = model._meta.db_table
            for row in self.query(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id"):
                digest.update(repr(row).encode())
        return digest.hexdigest()

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


class OnSQLite(Database):
    """One in a folder of its own, as a copy of another or without tables."""

    def __init__(self, folder, copied=None):
        super().__init__(folder)
        self.path = folder / "perflab.sqlite3"
        if copied:
            with (
                contextlib.closing(copied.connect()) as source,
                contextlib.closing(self.connect()) as copy,
            ):
                source.backup(copy)

    def connect(self):
        return sqlite3.connect(self.path, timeout=60, isolation_level=None)  # commits each time

    def is_being_written(self):
        """Whether some of an unfinished transaction has reached the disk."""
        log = self.path.with_name("perflab.sqlite3-wal")
        return log.exists() and log.stat().st_size > 2_000_000

    def has_statistics_of(self, table):
        return self.query(f"SELECT 1 FROM sqlite_stat1 WHERE tbl = '{table}'")

    def dangling(self):
        return self.query("PRAGMA foreign_key_check")


class OnPostgreSQL(Database):
    """One on this server, as a copy of another or without tables."""

    def __init__(self, folder, server, name, copied=None, owner="postgres"):
        self.server, self.name, self.owner = server, name, owner
        with contextlib.closing(self.connect(dbname="postgres", user="postgres")) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            template = copied.name if copied else "template1"
            connection.execute(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}")
        where = str(server.folder).replace("/", "%2F")
        super().__init__(folder, f"postgres://{owner}@{where}/{name}")

    def connect(self, **parameters):
        where = {"host": str(self.server.folder), "user": self.owner, "dbname": self.name}
        return psycopg.connect(**{**where, **parameters}, autocommit=True)

    def is_being_written(self):
        return self.query("SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 500")

    def has_statistics_of(self, table):
        return self.query(f"SELECT 1 FROM pg_stats WHERE tablename = '{table}'")

    def dangling(self):
        keys = (
            ("movies_movie", "director_id", "movies_director"),
            ("movies_movie_countries", "movie_id", "movies_movie"),
            ("movies_movie_countries", "country_id", "movies_country"),
            ("movies_review", "movie_id", "movies_movie"),
        )
        return [
            row
            for child, column, parent in keys
            for row in self.query(
                f"SELECT c.id FROM {child} c LEFT JOIN {parent} p ON p.id = c.{column} "
                "WHERE p.id IS NULL"
            )
        ]
