"""Provide databases of each kind, empty and seeded."""

import pytest

from tests.support.databases import NEW, OLD, OnPostgreSQL, OnSQLite

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.exhaustive)]


@pytest.fixture(scope="session")
def originals(tmp_path_factory, may_start_servers):
    """A function that makes a database to be copied, once: with tables or with OLD films too."""
    made = {}

    def original(kind, films, server=None):
        if (kind, films) not in made:
            folder = tmp_path_factory.mktemp("original")
            copied = original(kind, 0, server) if films else None
            if kind == "sqlite":
                database = OnSQLite(folder, copied)
            else:
                database = OnPostgreSQL(folder, server, f"original_{films}", copied)
            made[kind, films] = database
            if films:
                database.seed("--movies", str(films))
            else:
                assert database.manage("migrate", "--verbosity=0") == (0, "", "")
        return made[kind, films]

    yield original
    for database in made.values():
        database.end()


def copy_of_original(films, request, originals, folder):
    kind = request.param
    server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    original = originals(kind, films, server)
    if kind == "sqlite":
        return OnSQLite(folder, copied=original)
    return OnPostgreSQL(folder, server, "copied", copied=original)


@pytest.fixture(params=DATABASES)
def empty(request, originals, tmp_path):
    """A database with tables and no rows, on SQLite and on PostgreSQL."""
    database = copy_of_original(0, request, originals, tmp_path)
    yield database
    database.end()


@pytest.fixture(params=DATABASES)
def old(request, originals, tmp_path):
    """A database of OLD films, on SQLite and on PostgreSQL."""
    database = copy_of_original(OLD, request, originals, tmp_path)
    yield database
    database.end()


@pytest.fixture(scope="session")
def seeded(originals):
    """A SQLite database of NEW films, seeded at once; tests only read it."""
    return originals("sqlite", NEW)


@pytest.fixture(scope="session")
def digests(originals):
    """The digest of OLD films, and of NEW ones, each seeded at once on SQLite."""
    return {films: originals("sqlite", films).digest() for films in (OLD, NEW)}
