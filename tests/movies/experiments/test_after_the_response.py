"""Test after-the-response: when the archive is told, and what is left when somebody dies."""

import contextlib
import json
import signal
import sqlite3
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from movies import task_queue
from movies.experiments import after_the_response
from movies.models import QueuedTask
from perflab.catalogue import registry
from tests.support.databases import OnPostgreSQL, OnSQLite
from tests.support.experiments import page_of
from tests.support.services import wait_until

here = pytest.mark.django_db(databases="__all__")
VARIANTS = [variant.name for variant in registry.get("after-the-response").variants]
PAGE = {"movies": 10, "wait": 20}


@pytest.fixture
def told(monkeypatch):
    """Whom the archive was told of. `told.fail` makes it fail by an exception."""

    class Told(list):
        fail = None

    told = Told()

    def ask(service, movies, wait):
        if told.fail:
            raise told.fail
        told.append((service, [movie.id for movie in movies], wait))
        return ["lent"]

    monkeypatch.setattr(after_the_response, "ask", ask)
    return told


def enqueue():
    after_the_response.tell_the_archive.enqueue(1, 20)


@here
def test_the_view_tells_at_once_the_commit_later_and_the_queue_when_a_worker_comes(
    client, told, django_capture_on_commit_callbacks
):
    counts = []
    for variant in VARIANTS:
        with django_capture_on_commit_callbacks() as callbacks:
            page_of(client, "after-the-response", variant, **PAGE)
        counts.append(len(told))
        if variant == "on-commit":
            [callback() for callback in callbacks]
    assert counts == [1, 1, 2]

    assert task_queue.work(0) == 1

    assert len(told) == 3
    assert len({str(call) for call in told}) == 1
    assert not QueuedTask.objects.exists()


@here
def test_a_transaction_that_is_rolled_back_has_queued_nothing(told):
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        enqueue()
        raise ZeroDivisionError

    assert task_queue.work(0) == 0
    assert not QueuedTask.objects.exists()


@here
def test_the_task_of_a_worker_that_dies_is_run_again_after_its_lease(told):
    enqueue()
    told.fail = SystemExit()
    with pytest.raises(SystemExit):
        task_queue.work(0)
    told.fail = None

    assert task_queue.work(0) == 0  # somebody may still be at it
    QueuedTask.objects.update(taken=QueuedTask.objects.get().taken - task_queue.LEASE)
    QueuedTask.objects.update(taken=QueuedTask.objects.get().taken - timedelta(seconds=1))

    assert task_queue.work(0) == 1
    assert len(told) == 1
    assert not QueuedTask.objects.exists()


@here
def test_a_task_that_fails_three_times_is_kept_with_its_error_and_stops_nobody(told, capsys):
    enqueue()
    told.fail = ValueError("no such film")

    call_command("work_tasks", "--once")
    told.fail = None
    enqueue()
    call_command("work_tasks", "--once")

    failed = QueuedTask.objects.get()
    assert (failed.attempts, failed.error) == (3, "ValueError: no such film")
    assert len(told) == 1
    assert capsys.readouterr().out.splitlines() == [
        "3 tasks run; 0 waiting, 1 failed for good.",
        "1 task run; 0 waiting, 1 failed for good.",
    ]


@here
def test_two_workers_do_not_take_the_same_task_and_on_postgresql_do_not_wait():
    enqueue()
    enqueue()

    with CaptureQueriesContext(connection) as captured:
        first, second = task_queue.take(), task_queue.take()

    assert first.pk < second.pk
    assert task_queue.take() is None
    locks = [query for query in captured.captured_queries if "SKIP LOCKED" in query["sql"]]
    assert len(locks) == (2 if connection.vendor == "postgresql" else 0)


@here
def test_a_full_queue_refuses_and_says_so(client, told, monkeypatch):
    monkeypatch.setattr(task_queue, "MOST_WAITING", 1)
    monkeypatch.setattr(task_queue, "wake_worker", lambda: None)
    monkeypatch.setattr(task_queue, "_is_full", False)
    for _ in range(3):
        enqueue()
    task_queue.run(task_queue.take())
    assert task_queue.count_waiting() == (2, 0)

    monkeypatch.setattr(task_queue, "take", iter([task_queue.take(), None]).__next__)
    task_queue.work(0)
    answer = client.get("/experiments/after-the-response/queued/?movies=10")

    assert answer.status_code == 503
    assert "The queue is full" in answer.text


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.exhaustive)])
def database(request, seeded_database, tmp_path):
    """A database of films for processes that are killed."""
    if request.param == "sqlite":
        seeded_database.copy_to(tmp_path / "perflab.sqlite3")
        found = OnSQLite(tmp_path)
    else:
        found = OnPostgreSQL(tmp_path, request.getfixturevalue("postgresql"), "killed")
        assert found.manage("migrate", "--verbosity=0") == (0, "", "")
        found.seed("--movies", "20")
    yield found
    found.end()


def kill(process):
    """End a process in an instant, as a power cut or the kernel's killer of processes does."""
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL


TASKS = "movies_queuedtask"


def queue_tasks(database, *traces):
    """Queue a task for each file, without a process that could begin to work."""
    path = "tests.support.traced_tasks.wait_the_first_time"
    for trace in traces:
        arguments = json.dumps({"args": [str(trace)], "kwargs": {}})
        database.execute(
            f"INSERT INTO {TASKS} (path, arguments, queued, attempts, error) "
            f"VALUES ('{path}', '{arguments}', CURRENT_TIMESTAMP, 0, '')"
        )


def wait_for(trace, process):
    """Wait until a process has begun what writes into this file."""

    def has_begun():
        assert process.poll() is None, process.communicate()
        return trace.exists() and trace.read_text()

    wait_until(has_begun, "the beginning of a task", seconds=100)


@pytest.mark.usefixtures("may_start_servers")
def test_a_killed_worker_loses_no_task_and_its_own_is_run_again_after_the_lease(database, tmp_path):
    killed, other = tmp_path / "killed", tmp_path / "other"
    queue_tasks(database, killed, other)
    other.write_text("before\n")  # so that it does not wait

    worker = database.start("work_tasks")
    wait_for(killed, worker)
    kill(worker)

    assert killed.read_text() == "begun\n"
    assert database.query(f"SELECT attempts, taken IS NULL FROM {TASKS} ORDER BY id") == [
        (1, False),
        (0, True),
    ]

    said = database.manage("work_tasks", "--once")  # it leaves alone what may be under way

    assert said == (0, "1 task run; 1 waiting, 0 failed for good.\n", "")
    assert (killed.read_text(), other.read_text()) == ("begun\n", "before\nbegun\ndone\n")

    database.execute(f"UPDATE {TASKS} SET taken = '2000-01-01 00:00:00'")  # its lease is over
    said = database.manage("work_tasks", "--once")

    assert said == (0, "1 task run; 0 waiting, 0 failed for good.\n", "")
    assert killed.read_text() == "begun\nbegun\ndone\n"  # its beginning was run twice
    assert database.query(f"SELECT * FROM {TASKS}") == []


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize(("view", "is_queued"), [("in_view", False), ("queued", True)])
def test_only_the_queue_remembers_what_a_killed_view_had_still_to_do(
    database, tmp_path, view, is_queued
):
    trace = tmp_path / "asked"
    process = database.start(
        "shell",
        "--command",
        f"""
import pathlib, time
from django.test import RequestFactory
from movies import task_queue
from movies.experiments import after_the_response

def ask(*arguments):
    pathlib.Path({str(trace)!r}).write_text("asked")
    time.sleep(600)

after_the_response.ask = ask
after_the_response.{view}(RequestFactory().get("/"), 10, 50)
time.sleep(600)  # the thread of this process works off the queue
""",
    )
    wait_for(trace, process)
    kill(process)

    assert database.query("SELECT place FROM movies_print WHERE film = 1") == [("lent",)]
    assert len(database.query(f"SELECT * FROM {TASKS}")) == is_queued


@pytest.mark.server
def test_in_a_lab_a_thread_of_the_worker_does_it(start_lab):
    lab = start_lab(workers=1)
    table = QueuedTask._meta.db_table
    rows = f"SELECT count(*) FROM {table}"
    last_id = f"SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = '{table}'"

    with contextlib.closing(sqlite3.connect(lab.var / "perflab.sqlite3")) as database:
        before = database.execute(last_id).fetchone()[0]  # a worker's warm-up queues one too
        for _ in range(3):
            page = lab.get("/experiments/after-the-response/queued/?movies=10&wait=200")
            assert page.status == 200
        deadline = time.monotonic() + 60
        while database.execute(rows).fetchone()[0] and time.monotonic() < deadline:
            time.sleep(0.1)
        left = database.execute(rows).fetchone()[0]
        queued = database.execute(last_id).fetchone()[0] - before

    assert (queued, left) == (3, 0)
