"""One more vote for every film: fetch, add and save each, or tell the database to add.

The slow view does what one would do on paper. It reads each row, adds one and saves it, with a
statement and a commit for each. Between the reading and the saving somebody else may have voted
too, and that vote is lost, since `save()` writes the number that was read, plus one. It writes all
the other columns back as well, as they were read.

*Narrow* saves only what has changed, `save(update_fields=["votes"])`, and all in one transaction:
as many statements, but one commit. *Batches* hands the list to `bulk_update`, which writes a
hundred rows with each statement, because its `batch_size` says so. Each of these statements has a
`CASE WHEN` with a hundred branches. They take Django and the database a while: on SQLite, which has
no round trip, `bulk_update` takes about as long as the hundred short statements. Both still write
numbers that Python computed, so both still lose a vote.

The fast view reads nothing. `update(votes=F("votes") + 1)` is a single statement for any number of
rows. The database adds where the rows are, and no vote is lost: see [two voters at
once](/experiments/lost-update/).

The rows are drafts, which all views write beforehand and delete at the end, alike, so a part of the
time and of the queries is not what you compare.

**When it matters.** Counters, prices, flags, "mark all as read": whenever the new value follows
from the old one or is the same for all. `bulk_update` is for the rest, where each row gets a value
that only Python knows.
"""

from django.db import transaction
from django.db.models import F
from django.shortcuts import render

from movies.drafts import drafts_of_films, temporary_batch, written_drafts
from perflab.catalogue.registry import Experiment, Queries, Variant


def slow(request, rows):
    # Expect 1 query for the drafts and 1 UPDATE for each; around that 3, and 1 for every hundred.
    with written_drafts(rows) as drafts:
        for draft in drafts:
            draft.votes += 1
            draft.save()
        return render(request, "movies/drafts.html", {"rows": drafts.all()})


def narrow(request, rows):
    # Expect the same number of queries: each UPDATE writes one column, and one commit ends all.
    with written_drafts(rows) as drafts:
        with transaction.atomic():
            for draft in drafts:
                draft.votes += 1
                draft.save(update_fields=["votes"])
        return render(request, "movies/drafts.html", {"rows": drafts.all()})


def batches(request, rows):
    # Expect 1 query for the drafts and 1 UPDATE for every hundred; around that the same.
    with written_drafts(rows) as drafts:
        changed = list(drafts)
        for draft in changed:
            draft.votes += 1
        drafts.bulk_update(changed, ["votes"], batch_size=100)
        return render(request, "movies/drafts.html", {"rows": drafts.all()})


def fast(request, rows):
    # Expect 1 UPDATE; around that 3 queries, and 1 for every hundred drafts.
    with written_drafts(rows) as drafts:
        drafts.update(votes=F("votes") + 1)
        return render(request, "movies/drafts.html", {"rows": drafts.all()})


ALSO = {
    "also": (drafts_of_films, temporary_batch, written_drafts),
    "templates": ("movies/drafts.html",),
}

experiment = Experiment(
    title="Changing many rows",
    topic="Slow and lost writes",
    remedy="the update in the database",
    cost="`save()` is not called and no signal is sent. Objects that are already in memory "
    "keep their old values, and one statement locks all of its rows until it commits.",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/queries/#updating-multiple-objects-at-once",
    variants=(
        Variant("slow", slow, Queries(4, per_row=1, batch=100), **ALSO),
        Variant("narrow", narrow, Queries(4, per_row=1, batch=100), **ALSO),
        Variant("batches", batches, Queries(4, batch=100, per_batch=2), **ALSO),
        Variant("fast", fast, Queries(4, batch=100), **ALSO),
    ),
)
