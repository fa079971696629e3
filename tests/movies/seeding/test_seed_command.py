"""Test what `manage.py seed` refuses, and that it leaves the old films then."""

import resource

import pytest
from django.core.management import execute_from_command_line

from tests.support.databases import NEW, OLD, Database, OnSQLite

NONSENSE = [
    ["--movies", "0"],
    ["--movies", "-1"],
    ["--movies", "5000001"],
    ["--movies", "9" * 5000],
    ["--movies", "abc"],
    ["--movies", "1e3"],
    ["--movies", "10.5"],
    ["--movies", ""],
    ["--movies", "two\nlines"],
    ["--movies"],
    ["--seed", "-1"],
    ["--seed", "2147483648"],
    ["--seed", "x"],
    ["--bogus"],
    ["films"],
    ["--reset=yes"],
]


@pytest.mark.parametrize("arguments", NONSENSE, ids=lambda words: " ".join(words)[:20])
def test_nonsense_gets_one_line_and_status_2(arguments, capsys):
    """Without the database: a test that is not marked for it may not touch it."""
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "seed", *arguments])

    output, errors = capsys.readouterr()
    assert (ended.value.code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("seed: ")
    assert len(errors) < 250


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_what_must_not_be_continued_gets_one_line_and_status_2(old, digests):
    assert old.manage("seed", "--seed", "2") == (
        *(2, ""),
        "CommandError: The tables hold 2,000 films of seed 1; --reset replaces them.\n",
    )
    assert old.digest() == digests[OLD]


@pytest.mark.usefixtures("may_start_servers")
def test_without_tables_it_says_to_migrate(tmp_path):
    status, output, errors = OnSQLite(tmp_path).manage("seed", "--reset")

    assert (status, output) == (2, "")
    assert errors == "CommandError: The tables are not there yet: run manage.py migrate.\n"


@pytest.mark.usefixtures("may_start_servers")
def test_a_database_that_does_not_answer_gets_one_line(tmp_path):
    nobody = f"postgres://me@{str(tmp_path).replace('/', '%2F')}/films"

    status, output, errors = Database(tmp_path, nobody).manage("seed")

    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("CommandError: the database says: ")


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_a_full_disk_gets_one_line_and_leaves_the_old_films(old, digests):
    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    status, output, errors = old.manage("seed", "--movies", str(NEW), preexec_fn=small_disk)

    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("CommandError: the database says: ")
    assert old.digest() == digests[OLD]


@pytest.mark.parametrize("old", ["postgresql"], indirect=True)
def test_a_database_that_refuses_the_rows_gets_one_line_and_keeps_the_old_ones(old, digests):
    old.execute("ALTER TABLE movies_review ADD CHECK (id < 50000)")

    status, output, errors = old.manage("seed", "--movies", str(NEW))

    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("CommandError: the database says: new row for relation")
    assert old.digest() == digests[OLD]
