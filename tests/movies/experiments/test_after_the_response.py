"""Test after-the-response: when the archive is told, and what is left when somebody dies."""

import contextlib
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
from tests.support.experiments import page_of

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
