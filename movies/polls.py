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
BY_HAND = "by hand"  # the poll of two browsers
LEFT_BEHIND = timedelta(minutes=10)  # longer than any request takes


def shared_poll(name):
    """Return a poll in which several visitors vote: 1 query, or more for the first vote."""
    return Poll.objects.get_or_create(name=name)[0]


def empty_poll_of_the_evening():
    """Take all votes out of the poll in which all visitors vote."""
    Poll.objects.update_or_create(name=EVENING, defaults={"votes": 0})


def count_votes(name):
    """Return how many votes a poll has: 1 query."""
    return Poll.objects.filter(name=name).values_list("votes", flat=True).first() or 0


def vote_in_shared_poll(name, vote, pause):
    """Vote in a poll in which others vote too, by the function `vote`. Raises Unavailable."""
    try:
        vote(shared_poll(name).pk, pause)
    except OperationalError as error:
        raise Unavailable(f"The vote was refused: {error}.") from error


def vote_in_the_evening(vote):
    """Return the change of a story: a visitor votes in the poll of the evening."""

    def change(request, rows, pause):
        vote_in_shared_poll(EVENING, vote, pause)

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
        now = timezone.now()
        is_recent = Q(made__range=(now - LEFT_BEHIND, now + LEFT_BEHIND))
        left_behind = ~is_recent & ~Q(name__in=(EVENING, BY_HAND))
        Poll.objects.filter(Q(pk=poll.pk) | left_behind).delete()
