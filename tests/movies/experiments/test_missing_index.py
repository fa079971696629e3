"""Test missing-index: the database's plans, and the numbers in the two columns."""

import re
import sqlite3
from contextlib import closing

import pytest
from django.db import connection
from django.db.models import F

from movies.models import Movie
from tests.support.experiments import plan, statements
from tests.support.labs import manage

pytestmark = pytest.mark.django_db


def test_one_variant_reads_the_whole_table_and_the_other_goes_by_the_index():
    (slow,), (fast,) = (statements("missing-index", name) for name in ("slow", "fast"))

    if connection.vendor == "sqlite":
        assert re.search(r"SCAN movies_movie$", plan(slow), re.MULTILINE)
        assert "USE TEMP B-TREE FOR ORDER BY" in plan(slow)
        assert "SEARCH movies_movie USING INDEX movies_movie_register_indexed" in plan(fast)
    else:
        assert "Seq Scan on movies_movie" in plan(slow)
        assert "Index Scan using movies_movie_register_indexed" in plan(fast)
    assert "Sort" not in plan(fast)
    assert "TEMP B-TREE" not in plan(fast)


INDEXES = {
    "few": "CREATE INDEX probe ON movies_movie (minutes)",
    "composite": "CREATE INDEX probe ON movies_movie (minutes, year)",
    "partial": "CREATE INDEX probe ON movies_movie (minutes) WHERE minutes > 200",
    "covering": "CREATE INDEX probe ON movies_movie (minutes, title)",
}


@pytest.mark.parametrize(
    ("index", "condition", "serves"),
    [
        ("few", "minutes = 143", True),
        ("few", "minutes > 10", False),  # of most rows: the table itself is quicker
        ("composite", "minutes = 143", True),
        ("composite", "minutes = 143 AND year > 2000", True),
        ("composite", "year = 1999", False),
        ("partial", "minutes > 200 AND year > 2000", True),
        ("partial", "minutes > 150", False),
    ],
)
def test_which_queries_an_index_serves(index, condition, serves):
    with connection.cursor() as cursor:
        cursor.execute(INDEXES[index])
        cursor.execute("ANALYZE movies_movie")
        if serves and connection.vendor == "postgresql":  # which reads a small table as a whole
            cursor.execute("SET LOCAL enable_seqscan = off")

    explained = plan(f"SELECT id, synopsis FROM movies_movie WHERE {condition}")

    if index == "few" and not serves and connection.vendor == "sqlite":
        pytest.skip("SQLite, as it is built here, has no statistics of ranges")
    assert ("probe" in explained) == serves


def test_a_covering_index_spares_the_table():
    with connection.cursor() as cursor:
        cursor.execute(INDEXES["covering"])
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")

    explained = plan("SELECT title FROM movies_movie WHERE minutes = 143")

    words = {"sqlite": "COVERING INDEX probe", "postgresql": "Index Only Scan using probe"}
    assert words[connection.vendor] in explained


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such rows")
def test_on_postgresql_an_update_of_one_indexed_column_writes_into_every_index():
    def grown(update):
        """Return whether an index on a column that is not updated grows."""
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE probe (a int, b int, c int) WITH (fillfactor = 40)")
            cursor.execute("INSERT INTO probe SELECT i, i, i FROM generate_series(1, 5000) i")
            cursor.execute("CREATE INDEX of_a ON probe (a)")
            cursor.execute("CREATE INDEX of_b ON probe (b)")
            cursor.execute("SELECT pg_relation_size('of_b')")
            before = cursor.fetchone()
            cursor.execute(f"UPDATE probe SET {update}")
            cursor.execute("SELECT pg_relation_size('of_b')")
            after = cursor.fetchone()
            cursor.execute("DROP TABLE probe")
        return after > before

    assert grown("a = a + 1")
    assert not grown("c = c + 1")


def test_sqlite_keeps_statistics_of_indexed_columns_and_postgresql_of_all():
    table = {"sqlite": "sqlite_stat1", "postgresql": "pg_stats"}[connection.vendor]
    name = {"sqlite": "tbl", "postgresql": "tablename"}[connection.vendor]
    of = {"sqlite": "idx", "postgresql": "attname"}[connection.vendor]

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE movies_movie")
        cursor.execute(f"SELECT {of} FROM {table} WHERE {name} = 'movies_movie'")
        known = {row[0] for row in cursor.fetchall()}

    assert any("register_indexed" in name for name in known)
    assert ("register" in known) == (connection.vendor == "postgresql")


def register_number(pk):
    """The number in the register, reckoned without a database."""
    box, place = divmod(pk, 1024)
    return box * 1024 + place * 397 % 1024


def test_the_two_columns_hold_the_same_scattered_numbers():
    numbers = dict(Movie.objects.values_list("id", "register"))

    assert not Movie.objects.exclude(register=F("register_indexed")).exists()
    assert all(number == register_number(pk) for pk, number in numbers.items())
    assert len(set(numbers.values())) == len(numbers)
    in_register = Movie.objects.order_by("register").values_list("id", flat=True)
    neighbours = list(zip(in_register, in_register[1:], strict=False))
    assert not [pair for pair in neighbours if abs(pair[0] - pair[1]) < 10]


def test_a_film_that_is_new_is_entered_in_the_register():
    film = Movie.objects.create(title="New", year=2026, minutes=90, synopsis="", director_id=1)

    film.refresh_from_db()

    assert film.register == film.register_indexed == register_number(film.pk)


@pytest.mark.usefixtures("may_start_servers")
def test_films_of_an_older_lab_are_entered_and_the_planner_is_told(tmp_path):
    lab = {"PERFLAB_VAR": str(tmp_path), "DATABASE_URL": "", "PERFLAB_TOOLBAR": "0"}
    manage("migrate", "movies", "0002", "--verbosity=0", **lab)
    with closing(sqlite3.connect(tmp_path / "perflab.sqlite3")) as database, database:
        database.execute("INSERT INTO movies_director (name) VALUES ('A')")
        database.execute(
            "INSERT INTO movies_movie (title, original_title, year, minutes, synopsis, director_id)"
            " VALUES ('Old', '', 1946, 90, '', 1)"
        )

    manage("migrate", "--verbosity=0", **lab)

    with closing(sqlite3.connect(tmp_path / "perflab.sqlite3")) as database:
        numbers = database.execute("SELECT register, register_indexed FROM movies_movie")
        assert numbers.fetchall() == [(397, 397)]
        known = database.execute("SELECT COUNT(*) FROM sqlite_stat1 WHERE tbl = 'movies_movie'")
        assert known.fetchone()[0] > 0
