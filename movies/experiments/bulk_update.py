"""One more vote for every film: fetch, add and save each, or tell the database to add.

The slow view does what one would do on paper: it reads each row, adds one and saves it, with a
statement and a commit for each. Between reading and saving somebody else may have voted too, and
that vote is lost, since `save()` writes the number that was read, plus one.

The fast view reads nothing. `update(votes=F("votes") + 1)` is a single statement for any number of
rows. The adding is done where the rows are, and no vote is lost.

The rows are drafts, which both views write beforehand and delete at the end, alike, so a part of
the time and of the queries is not what you compare.

**When it matters.** Counters, prices, flags, "mark all as read": whenever the new value follows
from the old one or is the same for all. Where each row gets a value that only Python knows,
`bulk_update` writes a hundred of them with each statement.
"""

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
        Variant("fast", fast, Queries(4, batch=100), **ALSO),
    ),
)
