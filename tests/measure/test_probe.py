"""Test the probe's counts against what SQLite and PostgreSQL say that they executed."""

import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import dj_database_url
import django
import psycopg.sql
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connections, transaction
from django.db.models import F

from movies.models import Country, Director, Movie, Review
from perflab.caches import using
from perflab.measure.probe import count_cache_call, count_query, probe, statement_shape
from tests.support import services
from tests.support.labs import ROOT
from tests.support.services import or_skip

# What the probe does not see (perflab/measure/probe.py): connection set-up and health checks
# neither, but there are none in these blocks.
UNSEEN = ("BEGIN", "COMMIT", "FETCH", "CLOSE", "COPY")
TX = ("SAVEPOINT", "RELEASE", "ROLLBACK TO")


class SQLiteRecord:
    """What SQLite says that it executes, through its own trace."""

    def __init__(self, connection):
        self.statements = []
        connection.ensure_connection()
        connection.connection.set_trace_callback(self.statements.append)

    def take(self):
        taken, self.statements[:] = list(self.statements), []
        # Those inside foreign keys' and triggers' machinery are marked as comments.
        return [statement for statement in taken if not statement.startswith("--")]


class PostgreSQLRecord:
    """What PostgreSQL wrote to its log, with log_statement=all."""

    def __init__(self, log):
        self.log = log
        self.seen = 0
        self.take()

    def take(self):
        text = self.log.read_text()[self.seen :]
        self.seen += len(text)
        return re.findall(r"^LOG:  (?:statement|execute [^:]*): (.*)", text, re.MULTILINE)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)]
)
def database(request, tmp_path_factory, django_db_blocker):
    """The alias of a migrated database of this module's own, with a few films, and its record.

    It is outside pytest-django's transactions: a BEGIN here is a real one.
    """
    alias = f"probed_{request.param}"
    ends = ExitStack()
    if request.param == "sqlite":
        connections.settings[alias] = {
            **connections.settings["default"],
            **dj_database_url.parse(f"sqlite:///{tmp_path_factory.mktemp('probe')}/films.sqlite3"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
        }
    else:
        server = or_skip(services.PostgreSQL, log_statement="all")
        ends.callback(server.remove)
        connections.settings[alias] = {
            **connections.settings["default"],
            **dj_database_url.parse(server.url),
            "OPTIONS": {},
        }
    connection = connections[alias]
    with ends, django_db_blocker.unblock():
        call_command("migrate", database=alias, verbosity=0)
        directors = [Director(name=f"Director {number}") for number in range(5)]
        Director.objects.using(alias).bulk_create(directors)
        for number, director in enumerate(directors):
            director.movies.create(title=f"Film {number}", year=1950 + number, minutes=90)
        if request.param == "sqlite":
            connection.record = SQLiteRecord(connection)
        else:
            connection.record = PostgreSQLRecord(server.log)
        connection.record.take()
        yield alias
        connection.close()
    del connections.settings[alias], connections[alias]


def update(alias):
    Movie.objects.using(alias).filter(pk=1).update(minutes=F("minutes") + 1)


def one_query(alias):
    return list(Movie.objects.using(alias).all())


def one_more_for_each_row(alias):
    return [movie.director.name for movie in Movie.objects.using(alias).all()]


def prefetched(alias):
    movies = Movie.objects.using(alias).select_related("director")
    return list(movies.prefetch_related("countries", "reviews"))


def nothing(alias):
    return list(Movie.objects.using(alias).none()) + list(
        Movie.objects.using(alias).filter(pk__in=[])
    )


def in_a_transaction(alias):
    with transaction.atomic(using=alias):
        update(alias)


def in_a_savepoint(alias):
    with transaction.atomic(using=alias), transaction.atomic(using=alias):
        update(alias)


def undone_to_a_savepoint(alias):
    with transaction.atomic(using=alias):
        try:
            with transaction.atomic(using=alias):
                update(alias)
                raise KeyError
        except KeyError:
            update(alias)


def undone(alias):
    try:
        with transaction.atomic(using=alias):
            update(alias)
            raise KeyError
    except KeyError:
        pass


def refused_by_the_database(alias):
    with pytest.raises(DatabaseError), connections[alias].cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


def made_or_found(alias):
    for _ in range(2):
        Director.objects.using(alias).get_or_create(name="Agnès Varda")


def bulk_created(alias):
    reviews = [Review(movie_id=1, reviewer="r", score=5, text="t") for _ in range(3000)]
    Review.objects.using(alias).bulk_create(reviews)


def deleted(alias):
    Review.objects.using(alias).all().delete()


def read_in_chunks(alias):
    return list(Movie.objects.using(alias).iterator(chunk_size=2))


def by_hand(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT %s", [1])
        cursor.execute("\n    SELECT 2")
        return cursor.fetchone()


on_postgresql_only = pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.server)], indirect=True
)

# What is done, and the queries and tx that the probe counts on SQLite and on PostgreSQL: there the
# driver itself sends BEGIN, so no wrapper sees it.
WORK = [
    (one_query, (1, 0), (1, 0)),
    (one_more_for_each_row, (6, 0), (6, 0)),
    (prefetched, (3, 0), (3, 0)),
    (nothing, (0, 0), (0, 0)),
    (update, (1, 0), (1, 0)),
    (in_a_transaction, (1, 1), (1, 0)),
    (in_a_savepoint, (1, 3), (1, 2)),
    (undone_to_a_savepoint, (2, 4), (2, 3)),
    (undone, (1, 1), (1, 0)),
    (made_or_found, (3, 1), (3, 0)),
    # Django 5.2 gives SQLite 999 parameters at a time. Django 6.1 asks SQLite how many it takes,
    # and needs no transaction for the one statement.
    (bulk_created, (1, 0) if django.VERSION >= (6, 1) else (13, 1), (1, 0)),
    (deleted, (1, 1), (1, 0)),
    (read_in_chunks, (1, 0), (1, 0)),
    (by_hand, (2, 0), (2, 0)),
    (refused_by_the_database, (1, 0), (1, 0)),
]


@pytest.mark.parametrize(("work", *("on_sqlite", "on_postgresql")), WORK)
def test_the_counts_are_what_the_database_itself_recorded(database, work, on_sqlite, on_postgresql):
    record = connections[database].record
    record.take()

    with probe() as measurement:
        work(database)

    on_sqlite_here = connections[database].vendor == "sqlite"
    assert (measurement.queries, measurement.tx) == (on_sqlite if on_sqlite_here else on_postgresql)
    recorded = record.take()
    if work is refused_by_the_database and on_sqlite_here:
        recorded = ["SELECT"]  # never executed: it could not be compiled
    seen = [statement for statement in recorded if not statement.startswith((*UNSEEN, *TX))]
    seen = [statement for statement in seen if statement != "ROLLBACK"]
    assert measurement.queries == len(seen)
    begins = 1 if on_sqlite_here and "BEGIN IMMEDIATE" in recorded else 0
    assert measurement.tx == begins + len([s for s in recorded if s.startswith(TX)])


def test_executemany_counts_once_and_the_database_executes_it_for_each_row(database):
    record = connections[database].record
    record.take()

    with probe() as measurement, connections[database].cursor() as cursor:
        rows = [("X1", "a"), ("X2", "b"), ("X3", "c")]
        cursor.executemany("INSERT INTO movies_country (code, name) VALUES (%s, %s)", rows)

    assert measurement.queries == 1
    assert len([sql for sql in record.take() if sql.startswith("INSERT")]) == 3


@on_postgresql_only
def test_copy_is_not_seen(database):
    with probe() as measurement, connections[database].cursor() as cursor:
        into = psycopg.sql.SQL("COPY {} (code, name) FROM STDIN").format(
            psycopg.sql.Identifier("movies_country")
        )
        with cursor.copy(into) as copy:
            copy.write_row(("C1", "copied"))

    assert Country.objects.using(database).filter(code="C1").exists()
    assert measurement.queries == 0


@on_postgresql_only
def test_a_composed_statement_counts_like_any_other(database):
    with probe() as measurement, connections[database].cursor() as cursor:
        for _ in range(2):
            cursor.execute(psycopg.sql.SQL("SELECT {}").format(psycopg.sql.Literal(1)))

    assert (measurement.queries, measurement.duplicates) == (2, 1)


# Duplicates.


def test_queries_of_one_shape_are_duplicates_of_the_first(database):
    with probe() as measurement:
        one_more_for_each_row(database)  # 1 and 5 of one shape
        list(Movie.objects.using(database).filter(pk__in=[1]))
        list(Movie.objects.using(database).filter(pk__in=[1, 2, 3]))
        list(Movie.objects.using(database).order_by("id")[:2])
        list(Movie.objects.using(database).order_by("id")[:3])

    assert measurement.queries == 10
    assert measurement.duplicates == 4 + 1 + 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t WHERE id = 7", "SELECT a FROM t WHERE id = 12345"),
        ("SELECT a FROM t WHERE id IN (%s)", "SELECT a FROM t WHERE id IN (%s, %s, %s)"),
        ("SELECT a FROM t WHERE id IN (1, 2)", "SELECT a FROM t WHERE id IN (1, 2, 3)"),
        ("SELECT a FROM t LIMIT 10", "SELECT a FROM t LIMIT 10"),
        ("INSERT INTO t VALUES (%s, %s)", "INSERT INTO t VALUES (%s, %s), (%s, %s)"),
    ],
)
def test_numbers_and_the_length_of_lists_make_no_shape(one, other):
    assert statement_shape(one) == statement_shape(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t1", "SELECT a FROM t2"),
        ("SELECT a FROM t WHERE b = %s", "SELECT a FROM t WHERE c = %s"),
        ("SELECT a FROM t", "SELECT a FROM t ORDER BY a"),
        ("SELECT a FROM t WHERE b IN (%s) ", "SELECT a FROM t WHERE c IN (%s) "),
    ],
)
def test_statements_that_ask_for_something_else_have_another_shape(one, other):
    assert statement_shape(one) != statement_shape(other)


# Times, nesting, threads.


def test_a_block_that_raises_is_measured_whole(database):
    def breaks():
        one_query(database)
        time.sleep(0.02)
        raise KeyError

    with pytest.raises(KeyError), probe() as measurement:
        breaks()

    assert measurement.queries == 1
    assert measurement.total_ms > 20
    assert measurement.cpu_ms is not None


@on_postgresql_only
def test_the_time_of_a_query_is_the_databases_and_passes_without_cpu(database):
    with probe() as measurement, connections[database].cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.1)")

    assert 100 <= measurement.sql_ms <= measurement.total_ms
    assert measurement.cpu_ms < 50


def test_a_probe_inside_another_counts_for_both_and_ends_for_itself(database):
    with using("locmem", "probe", "nested"), probe() as outer:
        one_query(database)
        cache.get("key")
        with probe() as inner:
            one_query(database)
            cache.get("key")
        one_query(database)
        cache.get("key")

    assert (inner.queries, inner.calls) == (1, 1)
    assert (outer.queries, outer.calls) == (3, 3)


def test_nothing_is_counted_after_the_block(database):
    with probe() as measurement:
        pass

    one_query(database)
    count_cache_call("redis", 1.0, hits=1)

    assert (measurement.queries, measurement.calls) == (0, 0)
    assert connections[database].execute_wrappers == [count_query]


def test_threads_at_work_together_each_see_only_their_own(database):
    together = threading.Barrier(4)

    def measure(number):
        try:
            with using("locmem", "probe", f"thread-{number}"), probe() as measurement:
                together.wait()
                for _ in range(10 * number):
                    one_query(database)
                    cache.get("absent")
                together.wait()
            return measurement.queries, measurement.calls, measurement.misses
        finally:
            connections[database].close()

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(measure, range(1, 5)))

    assert counts == [(10 * number,) * 3 for number in range(1, 5)]


def test_hits_misses_and_errors_add_up():
    with probe() as measurement:
        count_cache_call("redis", 0.001, hits=2, misses=1)
        count_cache_call("memcached", 0.002, errors=1)

    assert (measurement.calls, measurement.hits) == (2, 2)
    assert (measurement.misses, measurement.errors) == (1, 1)
    assert measurement.cache_ms == pytest.approx(3)
    assert measurement.cache_backend == "memcached"


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize(
    ("start", "cpu"), [("", "float"), ("from gevent import monkey; monkey.patch_all()", "NoneType")]
)
def test_under_gevent_there_is_no_cpu_time(start, cpu):
    work = (
        "import django; django.setup(); from perflab.measure.probe import probe\n"
        "with probe() as m: pass"
    )

    done = subprocess.run(
        [sys.executable, "-c", f"{start}\n{work}\nprint(type(m.cpu_ms).__name__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.stdout == f"{cpu}\n", done.stderr
