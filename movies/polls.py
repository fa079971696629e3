"""Polls: a number of votes in the database, which several visitors change at the same moment."""

import secrets
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone

from movies.models import Poll
from perflab.web.errors import Unavailable

EVENING = "evening"  # the poll in which all visitors of a story vote
LEFT_BEHIND = timedelta(minutes=10)  # longer than any request takes


def poll_of_the_evening():
    """Return the poll in which all visitors vote: 1 query, or more for the first vote."""
    return Poll.objects.get_or_create(name=EVENING)[0]


def empty_poll_of_the_evening():
    """Take all votes out of the poll in which all visitors vote."""
    Poll.objects.update_or_create(name=EVENING, defaults={"votes": 0})


def votes_of_the_evening():
    """Return how many votes that poll has: 1 query."""
    return Poll.objects.filter(name=EVENING).values_list("votes", flat=True).first() or 0


def vote_in_the_evening(vote):
    """Return the change of a story: a visitor votes in the poll in which all others vote too."""

    def change(request, rows, pause):
        try:
            vote(poll_of_the_evening().pk, pause)
        except OperationalError as error:
            raise Unavailable(f"The vote was refused: {error}.") from error

    return change


@contextmanager
def own_poll():
    """Yield a poll of this request alone, and delete it at the end: 2 queries.

    If a worker was killed before it could delete its poll, a later request deletes it.
    """
    poll = Poll.objects.create(name=secrets.token_hex(8))
    try:
        yield poll
    finally:
        left_behind = Q(made__lt=timezone.now() - LEFT_BEHIND) & ~Q(name=EVENING)
        Poll.objects.filter(Q(pk=poll.pk) | left_behind).delete()
