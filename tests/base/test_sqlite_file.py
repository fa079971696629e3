"""Test in which mode a SQLite file is left, and what is looked at for that."""

import sqlite3
from contextlib import closing

import pytest

from perflab.base.sqlite_file import MARKER_TABLE, choose_init_command, may_set_wal


@pytest.fixture
def file(tmp_path):
    """A function that makes a database with a table, in a mode."""

    def make(table, mode="delete"):
        path = tmp_path / "db.sqlite3"
        with closing(sqlite3.connect(path)) as database:
            database.execute(f"PRAGMA journal_mode={mode}")
            database.execute(f"CREATE TABLE {table} (name text)")
        return path

    return make


def test_a_new_file_and_an_empty_one_get_the_mode(tmp_path):
    (tmp_path / "empty").touch()

    assert may_set_wal(tmp_path / "empty")
    assert may_set_wal(tmp_path / "new")
    assert "journal_mode=WAL" in choose_init_command(tmp_path / "new")


def test_our_own_file_gets_the_mode_again(file):
    assert may_set_wal(file(MARKER_TABLE))  # a copy may have lost it


def test_a_file_of_somebody_else_keeps_its_own(file):
    path = file("shop")
    before = path.read_bytes()

    assert not may_set_wal(path)

    with closing(sqlite3.connect(path)) as database:
        database.executescript(choose_init_command(path))
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert path.read_bytes() == before


def test_a_file_that_has_the_mode_keeps_it(file):
    assert may_set_wal(file("shop", "wal"))


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + b"\1" * 90])
def test_what_is_no_database_is_left_alone(tmp_path, content):
    path = tmp_path / "db.sqlite3"
    path.write_bytes(content)

    assert not may_set_wal(path)
    assert not may_set_wal(tmp_path)
