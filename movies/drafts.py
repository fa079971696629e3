"""Rows to try writing with: really committed, and gone when the page is made."""

import secrets
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from movies.models import Draft, Movie

LEFT_BEHIND = timedelta(minutes=10)  # longer than any request takes


def drafts_of_films(batch, rows):
    """The first films as drafts of this batch, not yet written: 1 query."""
    films = Movie.objects.order_by("id").values_list("title", "year")[:rows]
    return [Draft(batch=batch, title=title, year=year) for title, year in films]


@contextmanager
def scratch():
    """A batch of this request's own, whose drafts are deleted at the end: 1 query.

    They are not rolled back, since then nobody would have to wait for a commit. What a worker
    could not delete because it was killed goes with somebody's batch later.
    """
    batch = secrets.token_hex(8)
    try:
        yield batch
    finally:
        left_behind = Q(made__lt=timezone.now() - LEFT_BEHIND)
        Draft.objects.filter(Q(batch=batch) | left_behind).delete()


@contextmanager
def written_drafts(rows):
    """The first films as drafts in the database: 1 query, and 1 for every hundred drafts."""
    with scratch() as batch:
        Draft.objects.bulk_create(drafts_of_films(batch, rows), batch_size=100)
        yield Draft.objects.filter(batch=batch).order_by("id")
