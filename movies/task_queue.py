"""A queue of tasks in the database, behind the interface of Django's tasks.

Django has that interface from 6.0 on, and no queue: `DatabaseBackend` is one. Before 6.0 `task` and
`enqueue` are made here. `manage.py work_tasks` runs what is queued. Where it does not run, a thread
of the process that has queued something does it, and ends when nothing is left.
"""

import logging
import threading
import time
from datetime import timedelta

import django
from django.db import Error, connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import import_string

from movies.models import QueuedTask
from perflab.web.errors import Unavailable

LEASE = timedelta(seconds=30)  # after which a task whose worker has died is taken again
MAX_ATTEMPTS = 3
MOST_WAITING = 1000
POLL_S = 0.1  # between two looks at an empty queue

log = logging.getLogger(__name__)
_lock = threading.Lock()
_thread = None  # of this process, which works off the queue
_is_woken = False  # whether something was queued since the thread has begun its last look
_is_full = False  # as this process has seen last


def put(task, args, kwargs):
    """Write a task into the queue and return its row: 1 query.

    Within a transaction it is in the queue as soon as that is committed, and not before. Raises
    Unavailable if this process has seen that too many wait: pages can queue faster than one works.
    """
    if _is_full:
        wake_worker()  # which finds out when there is room again
        raise Unavailable(f"The queue is full: {MOST_WAITING:,} tasks wait.")
    arguments = {"args": list(args), "kwargs": kwargs}
    row = QueuedTask.objects.create(path=task.module_path, arguments=arguments)
    transaction.on_commit(wake_worker)
    return row


def take():
    """Take the oldest task that waits, and return its row; None if none does.

    It waits if nobody has taken it, or whoever has was not done in time: then it probably died.
    """
    now = timezone.now()
    waiting = Q(taken=None) | Q(taken__lt=now - LEASE)
    rows = QueuedTask.objects.filter(waiting, error="").order_by("id")
    if not rows.exists():  # without a transaction, which on SQLite would make all writers wait
        return None
    can_skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        row = rows.select_for_update(skip_locked=can_skip).first()
        if row:
            row.taken, row.attempts = now, row.attempts + 1
            row.save(update_fields=["taken", "attempts"])
    return row


def run(row):
    """Run a task. Its row is deleted when it has succeeded, and kept when it has failed for good.

    A task whose worker dies has its row until it is taken again. So each task is run at least once,
    and may be run twice.
    """
    try:
        arguments = row.arguments
        import_string(row.path).call(*arguments["args"], **arguments["kwargs"])
    except Exception as error:
        log.warning("task %s failed: %s", row.path, error)
        for_good = row.attempts >= MAX_ATTEMPTS
        row.error = f"{type(error).__name__}: {error}"[:300] if for_good else ""
        row.taken = None
        row.save(update_fields=["error", "taken"])
    else:
        row.delete()


def work(idle_s):
    """Run what is queued until nothing has waited for so many seconds. Return how many were run."""
    global _is_full
    done, last = 0, time.monotonic()
    while True:
        if row := take():
            run(row)
            done, last = done + 1, time.monotonic()
            _is_full = count_waiting()[0] >= MOST_WAITING
        elif time.monotonic() - last >= idle_s:
            return done
        else:
            time.sleep(POLL_S)


def wake_worker():
    """Start the thread that works off the queue, or let the one of this process look again."""
    global _thread, _is_woken
    with _lock:
        _is_woken = True
        if _thread is None:
            _thread = threading.Thread(target=_work_in_thread, daemon=True)
            _thread.start()


def _work_in_thread():
    """Run what is queued, and end at once: a look at an empty queue would disturb measurements."""
    global _is_full
    try:
        while _is_to_look_again():
            work(idle_s=0)
    except Error as error:  # the database is away or locked, say: the rows wait
        log.warning("the queue cannot be read: %s", error)
        _forget_thread()
    finally:
        _is_full = False
        connection.close()


def _is_to_look_again():
    """Return whether something was queued since this thread has looked; if not, it has to end."""
    global _thread, _is_woken
    with _lock:
        again, _is_woken = _is_woken, False
        if not again:
            _thread = None
    return again


def _forget_thread():
    """Let the next task start a new thread."""
    global _thread
    with _lock:
        _thread = None


if django.VERSION >= (6, 0):
    from django.tasks import TaskResult, TaskResultStatus, task
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.signals import task_enqueued

    class DatabaseBackend(BaseTaskBackend):
        """The queue, for the setting TASKS. It keeps no results."""

        def enqueue(self, task, args, kwargs):
            """Put a task into the queue, and return what is known of it."""
            self.validate_task(task)
            row = put(task, args, kwargs)
            result = TaskResult(
                task=task,
                id=str(row.pk),
                status=TaskResultStatus.READY,
                enqueued_at=row.queued,
                started_at=None,
                finished_at=None,
                last_attempted_at=None,
                args=list(args),
                kwargs=kwargs,
                backend=self.alias,
                errors=[],
                worker_ids=[],
            )
            task_enqueued.send(type(self), task_result=result)
            return result

else:

    class Task:
        """A function that can be put into the queue: as much of Django 6.0's Task as is used."""

        def __init__(self, func):
            self.func = func
            self.module_path = f"{func.__module__}.{func.__qualname__}"

        def call(self, *args, **kwargs):
            """Run the function here and now."""
            return self.func(*args, **kwargs)

        def enqueue(self, *args, **kwargs):
            """Put it into the queue."""
            return put(self, args, kwargs)

    def task(func):
        """Make a function a task, as Django 6.0's decorator does."""
        return Task(func)


def count_waiting():
    """Return how many tasks wait, and how many have failed for good."""
    failed = QueuedTask.objects.exclude(error="").count()
    return QueuedTask.objects.count() - failed, failed
