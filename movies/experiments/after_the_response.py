"""The visitor waits for a mail that is for somebody else.

The page notes a loan and tells the archive, which takes its time, as a mail server does, or a
service that makes a PDF. *in-view* tells it before it answers. Nothing on the page needs the
archive's answer, and still the visitor waits for it.

*on-commit* hands the call to `transaction.on_commit`. It is made when the transaction is committed,
and not at all when it is rolled back: nobody gets a mail about a loan that does not exist. But it
is made before the response all the same, so the visitor waits as long as before.

*queued* writes a row into a table, in the same transaction as the loan, and answers. A worker takes
the row later. Django has an interface for that from 6.0 on, `django.tasks`, with `@task` and
`enqueue`, and no queue and no worker. The lab has a small one in `movies/task_queue.py`, with the
same interface on Django 5.2. The setting `TASKS = {"default": {"BACKEND":
"movies.task_queue.DatabaseBackend"}}` names it. Its worker is `manage.py work_tasks`, or else a
thread of the process that has queued something. So the work is still done, and still takes time.

**What is lost when a process dies.** In *in-view* and *on-commit* the loan is written, the archive
never hears of it, and nothing remembers that it should. With the queue the row is there exactly if
the loan is. If the worker dies in the middle of a task, another worker runs it again after 30
seconds. So a task is run at least once, and sometimes twice: write it so that twice is harmless. A
task that fails three times stays in the table with its error, and somebody has to look.

**When it matters.** Mail, pictures, search indexes, calls to others: all that the page does not
show. A thread that the view starts is no queue: it dies with its process, and each deployment ends
all processes.
"""

from functools import partial

from django.db import transaction
from django.shortcuts import render

from movies.archive_services import ask
from movies.models import Movie, Print
from movies.task_queue import put, run, take, task
from perflab.catalogue.registry import Choice, Experiment, Queries, Setting, Variant


@task
def tell_the_archive(film, wait):
    ask("loan", [Movie(id=film)], wait)


def in_view(request, rows, wait):
    # Expect 3 queries: the films, then 2 that note the loan.
    movies = list(Movie.objects.only("title", "year").order_by("id")[:rows])
    with transaction.atomic():
        note_loan(movies[0])
    tell_the_archive.call(movies[0].pk, wait)
    return render(request, "movies/loan_noted.html", {"movies": movies})


def on_commit(request, rows, wait):
    # Expect the same 3 queries. The archive is told after the commit and before the response.
    movies = list(Movie.objects.only("title", "year").order_by("id")[:rows])
    with transaction.atomic():
        note_loan(movies[0])
        transaction.on_commit(partial(tell_the_archive.call, movies[0].pk, wait))
    return render(request, "movies/loan_noted.html", {"movies": movies})


def queued(request, rows, wait):
    # Expect 4 queries. The fourth puts the task into the queue.
    movies = list(Movie.objects.only("title", "year").order_by("id")[:rows])
    with transaction.atomic():
        note_loan(movies[0])
        tell_the_archive.enqueue(movies[0].pk, wait)
    return render(request, "movies/loan_noted.html", {"movies": movies})


def note_loan(movie):
    """Note that a print is lent: 2 queries. It is lent again each time, so no row is added."""
    Print.objects.update_or_create(film=movie.pk, defaults={"place": "lent"})


PAGE = {"templates": ("movies/loan_noted.html",)}

experiment = Experiment(
    title="After the response",
    topic="Waiting for others",
    remedy="the queue",
    cost="A worker to run and to watch, and a queue that may grow faster than it is worked off. "
    "The visitor learns nothing of a failure. A task gets ids, not objects, and reads them anew: "
    "what it finds may have changed, or be gone.",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/transactions/"
    "#performing-actions-after-commit",
    figure="time",
    knobs=(Choice("wait", "Wait of the archive, ms (simulated)", (0, 20, 50, 200), 50),),
    lesson=Setting(movies=10, own={"wait": 50}),
    not_at=Setting(
        movies=10, own={"wait": 0}, why="A call that takes no time is not worth a row in a queue."
    ),
    variants=(
        Variant("in-view", in_view, Queries(3), also=(tell_the_archive.func, note_loan), **PAGE),
        Variant(
            "on-commit", on_commit, Queries(3), also=(tell_the_archive.func, note_loan), **PAGE
        ),
        Variant(
            "queued",
            queued,
            Queries(4),
            also=(tell_the_archive.func, note_loan, put, take, run),
            **PAGE,
        ),
    ),
)
