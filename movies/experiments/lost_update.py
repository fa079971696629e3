"""Two visitors vote at the same moment, and one of the two votes is gone.

`poll.votes += 1` and `poll.save()` are three steps: read the number, add one, write the sum. Two
requests can both read 6 and both write 7. Nobody gets an error, and no log shows anything. This is
the *lost update*.

*in-transaction* does the same within `transaction.atomic()`. On PostgreSQL that changes nothing:
its usual isolation level lets two transactions read the same row. *locked* reads the row with
`select_for_update()`. The second voter then waits until the first transaction has ended, and reads
what the first has written. *expression* does not read at all: `F("votes") + 1` lets the database
add, in one statement.

**On SQLite `select_for_update()` is no lock.** Django leaves the words out of the statement,
because SQLite has no locks on rows. What helps there is the setting `"transaction_mode":
"IMMEDIATE"` in the `OPTIONS` of `DATABASES`, which this lab has: then a transaction waits until no
other one writes, in the whole file, and so both variants with a transaction count right. The
variant *locked-deferred*, which exists on SQLite only, takes Django's own default. There both
transactions read, one writes, and the other is refused: `database is locked`. The vote is not
lost in silence, but the visitor gets an error page.

In the story each voter waits for a moment between the reading and the writing, as the knob *pause*
says (**simulated**). Real pages check a form there or ask a service. The measured page votes alone
and without the pause: whoever tests alone loses no vote, and sees no reason to change anything. Try
it in two browsers: vote in both within two seconds, on [the page that saves](/votes/saved/) and on
[the one with the expression](/votes/expression/).

**When it matters.** Counters, stocks, balances, seats: each value that is computed from its own old
value. Prefer the expression where the new value can be said in SQL. Take the lock where the code
has to look at the row before it decides.
"""

from contextlib import contextmanager
from time import sleep

from django.db import connection, transaction
from django.db.models import F
from django.shortcuts import render

from movies import polls
from movies.models import Movie, Poll
from perflab.catalogue.registry import (
    Choice,
    Experiment,
    Queries,
    Setting,
    Step,
    StoryData,
    Variant,
)


def vote_by_save(poll_id, pause=0):
    poll = Poll.objects.get(pk=poll_id)
    sleep(pause / 1000)  # others read the same number meanwhile
    poll.votes += 1
    poll.save()


def vote_in_transaction(poll_id, pause=0):
    with transaction.atomic():
        poll = Poll.objects.get(pk=poll_id)
        sleep(pause / 1000)  # on PostgreSQL others still read the same number
        poll.votes += 1
        poll.save()


def vote_with_lock(poll_id, pause=0):
    with transaction.atomic():
        poll = Poll.objects.select_for_update().get(pk=poll_id)
        sleep(pause / 1000)  # others wait for the row
        poll.votes += 1
        poll.save()


def vote_with_lock_deferred(poll_id, pause=0):
    with transactions_begin_deferred():
        vote_with_lock(poll_id, pause)


def vote_by_expression(poll_id, pause=0):
    sleep(pause / 1000)  # nothing has been read
    Poll.objects.filter(pk=poll_id).update(votes=F("votes") + 1)


def saved(request, rows, pause):
    # Expect 7 queries: 2 for the vote, 2 for a poll of its own, 2 for the counts, 1 for the films.
    return poll_page(request, rows, vote_by_save)


def in_transaction(request, rows, pause):
    # Expect the same 7 queries, 2 of them in a transaction.
    return poll_page(request, rows, vote_in_transaction)


def locked(request, rows, pause):
    # Expect the same 7 queries. One of them takes the lock: SELECT … FOR UPDATE, on PostgreSQL.
    return poll_page(request, rows, vote_with_lock)


def locked_deferred(request, rows, pause):
    # Expect the same 7 queries.
    return poll_page(request, rows, vote_with_lock_deferred)


def expression(request, rows, pause):
    # Expect 6 queries: the vote is one UPDATE.
    return poll_page(request, rows, vote_by_expression)


def poll_page(request, rows, vote):
    """Vote in a poll of this request's own, and show it below the poll of the evening."""
    with polls.own_poll() as poll:
        vote(poll.pk)
        poll.refresh_from_db(fields=["votes"])
        movies = Movie.objects.only("title", "year").order_by("id")[:rows]
        context = {"evening": polls.count_votes(polls.EVENING), "own": poll.votes, "movies": movies}
        return render(request, "movies/poll.html", context)


@contextmanager
def transactions_begin_deferred():
    """Begin transactions on SQLite as Django does by default: without OPTIONS' transaction_mode."""
    connection.ensure_connection()
    mode, connection.transaction_mode = connection.transaction_mode, None
    try:
        yield
    finally:
        connection.transaction_mode = mode


def variant(name, view, vote, queries, *also):
    """Return a variant, with the function that votes."""
    return Variant(
        name,
        view,
        Queries(queries),
        change=polls.vote_in_the_evening(vote),
        also=(vote, *also, poll_page),
        templates=("movies/poll.html",),
    )


DEFERRED = variant(
    "locked-deferred", locked_deferred, vote_with_lock_deferred, 7, transactions_begin_deferred
)
EVENING = StoryData("poll", read=lambda: 0, restore=lambda _: polls.empty_poll_of_the_evening())

experiment = Experiment(
    title="The lost update",
    topic="Slow and lost writes",
    remedy="the expression",
    cost="With a lock the others wait, each with a worker that does nothing else, and two rows "
    "locked in a different order by two requests are a deadlock. With an expression the object in "
    "memory does not know the new value, `save()` and its signals are not called, and the code "
    "cannot look before it writes.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/expressions/"
    "#avoiding-race-conditions-using-f",
    variants=(
        variant("saved", saved, vote_by_save, 7),
        variant("in-transaction", in_transaction, vote_in_transaction, 7),
        *((DEFERRED,) if connection.vendor == "sqlite" else ()),
        variant("locked", locked, vote_with_lock, 7),
        variant("expression", expression, vote_by_expression, 6),
    ),
    figure="correctness",
    truth="counted",
    knobs=(
        Choice("pause", "Pause of the story's voters, ms (simulated)", (0, 20, 200, 2000), 200),
    ),
    lesson=Setting(movies=10),
    story_data=EVENING,
    story=(
        Step("One visitor votes, and reads the result.", change=True),
        Step("Two more vote at the same moment.", change=True, changes=2),
        Step("Six more vote at the same moment.", change=True, changes=6),
    ),
)
