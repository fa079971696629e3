"""A hundred new rows, and a hundred times the way to the database and back.

The slow view saves one object after the other. Each `save()` is a statement of its own, and outside
of a transaction each is a commit of its own too. What a commit costs depends on what the database
promises. PostgreSQL, as it is installed, waits at each commit until the row is on the disk, so that
it outlives a power cut. This lab's SQLite does not: with `journal_mode=WAL` and
`synchronous=NORMAL` a commit is written without waiting for the disk, and a power cut may take the
last ones, though it damages nothing. By default SQLite waits (`synchronous=FULL`): the reference
variant *synced*, which exists on SQLite only, does what the slow one does and waits at each commit.
Without WAL, which is no default either, each commit waits several times.

*Transaction* does the same within `transaction.atomic()`. There are as many statements, but one
commit. The fast view hands over the whole list: `bulk_create` writes a hundred rows with each
statement, in one transaction.

All variants write for real, into a table of drafts, show what they have written and delete it
again: nothing stays. They do not roll it back, for then no commit would be paid for; the deletion
costs all of them the same.

**When it matters.** Imports, seeds, queues, anything that arrives by the hundred. What a statement
costs depends on the distance: turn the *round trip* knob, and the transaction alone is little help.
"""

from django.db import transaction
from django.shortcuts import render

from movies.drafts import drafts_of_films, synced_commits, temporary_batch
from movies.models import Draft
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant, by_vendor


def slow(request, rows):
    # Expect 3 queries and 1 INSERT, with a commit of its own, for each draft.
    with temporary_batch() as batch:
        for draft in drafts_of_films(batch, rows):
            draft.save()
        written = Draft.objects.filter(batch=batch).order_by("id")
        return render(request, "movies/drafts.html", {"rows": written})


def synced(request, rows):
    # Expect the same queries and commits. Each commit waits for the disk.
    with temporary_batch() as batch:
        with synced_commits():
            for draft in drafts_of_films(batch, rows):
                draft.save()
        written = Draft.objects.filter(batch=batch).order_by("id")
        return render(request, "movies/drafts.html", {"rows": written})


def together(request, rows):
    # Expect 3 queries and 1 INSERT for each draft, all in one transaction.
    with temporary_batch() as batch:
        with transaction.atomic():
            for draft in drafts_of_films(batch, rows):
                draft.save()
        written = Draft.objects.filter(batch=batch).order_by("id")
        return render(request, "movies/drafts.html", {"rows": written})


def fast(request, rows):
    # Expect 3 queries and 1 INSERT for every hundred drafts.
    with temporary_batch() as batch:
        Draft.objects.bulk_create(drafts_of_films(batch, rows), batch_size=100)
        written = Draft.objects.filter(batch=batch).order_by("id")
        return render(request, "movies/drafts.html", {"rows": written})


ALSO = {"also": (drafts_of_films, temporary_batch), "templates": ("movies/drafts.html",)}

experiment = Experiment(
    title="Writing many rows",
    topic="Slow and lost writes",
    first_workshop=True,
    remedy="writing in bulk",
    cost="`save()` is not called and no signal is sent: what they do has to be done by hand. One "
    "bad row makes all of its list fail. All objects are in memory at once.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/querysets/#bulk-create",
    not_at=Setting(movies=1, why="One row is one statement and one commit, however it is written."),
    variants=(
        Variant("slow", slow, Queries(3, per_row=1), **ALSO),
        Variant("transaction", together, Queries(3, per_row=1), **ALSO),
        Variant("fast", fast, Queries(3, batch=100), **ALSO),
        *by_vendor(
            sqlite=(
                Variant(
                    "synced",
                    synced,
                    Queries(3, per_row=1),
                    also=(*ALSO["also"], synced_commits),
                    templates=ALSO["templates"],
                    reference=True,
                ),
            ),
            postgresql=(),
        ),
    ),
)
