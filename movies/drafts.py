"""Drafts: rows that an experiment really commits, and deletes when its page is made."""

import secrets
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from movies.models import Draft, Movie

LEFT_BEHIND = timedelta(minutes=10)  # longer than any request takes


def drafts_of_films(batch, rows):
    """Return the first films as drafts of this batch, not yet written: 1 query."""
    films = Movie.objects.order_by("id").values_list("title", "year")[:rows]
    return [Draft(batch=batch, title=title, year=year) for title, year in films]


@contextmanager
def temporary_batch(model=Draft):
    """Yield the name of a batch of drafts, and delete these at the end: 1 query.

    `model` is their table: drafts, or another one with the columns `batch` and `made`.

    The drafts are not rolled back, since then no commit would be paid for. If a worker was killed
    before it could delete its drafts, a later batch deletes them: those of another time.
    """
    batch = secrets.token_hex(8)
    try:
        yield batch
    finally:
        now = timezone.now()
        left_behind = ~Q(made__range=(now - LEFT_BEHIND, now + LEFT_BEHIND))
        model.objects.filter(Q(batch=batch) | left_behind).delete()


@contextmanager
def written_drafts(rows):
    """Yield the first films as drafts in the database: 1 query, and 1 for every hundred drafts."""
    with temporary_batch() as batch:
        Draft.objects.bulk_create(drafts_of_films(batch, rows), batch_size=100)
        yield Draft.objects.filter(batch=batch).order_by("id")


@contextmanager
def synced_commits():
    """Let SQLite wait for the disk at each commit, as it does by default, while the block runs.

    Within a transaction the setting cannot be changed. PostgreSQL waits anyway.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    connection.ensure_connection()
    sqlite = connection.connection  # this is no query of the page
    (before,) = sqlite.execute("PRAGMA synchronous").fetchone()
    sqlite.execute("PRAGMA synchronous=FULL")
    try:
        yield
    finally:
        sqlite.execute(f"PRAGMA synchronous={before}")
