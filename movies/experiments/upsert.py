"""Insert what is new, update what is there: two queries for each row, or one for a hundred rows.

A cinema sends its programme again. Half of its films have a row already, with a running time that
nobody knew yet. The others are new. All variants begin with the same rows, which they write
beforehand and delete at the end, alike.

The *loop* calls `update_or_create` for each film: a `SELECT`, which on PostgreSQL locks the row,
and then an `UPDATE` or an `INSERT`, in a transaction of its own. It is the right call for one row.
If somebody else inserts the same film at that moment, the unique constraint notices, and Django
reads their row and updates it. For a hundred rows it is an N+1 bug that writes. *Transaction* puts
one transaction around the loop. There are as many queries, and a savepoint for each row instead of
a transaction, but one commit.

*Conflicts* leaves the question to the database. `bulk_create(update_conflicts=True)` sends `INSERT
… ON CONFLICT … DO UPDATE`, with a hundred rows in each statement. The database looks into the index
of the unique constraint, and inserts or updates. So there has to be a unique constraint on just the
columns of `unique_fields`.

**When it matters.** Imports that are repeated, feeds of prices, counters by day, everything that is
kept in step with another system. PostgreSQL and SQLite take `unique_fields`; on MySQL and MariaDB
every unique key counts, and Oracle cannot do it. To keep what is there as it is, say
`ignore_conflicts=True` instead. Then Django does not set the primary keys of the objects.
"""

from contextlib import contextmanager

from django.db import connection, transaction
from django.shortcuts import render

from movies.drafts import temporary_batch
from movies.models import Listing, Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


@contextmanager
def programme(rows):
    """Yield a programme: listings, of which the first half is known already: 3 queries."""
    with temporary_batch(Listing) as batch, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO movies_listing (batch, film, title, minutes, made) "
            "SELECT %s, id, title, 0, CURRENT_TIMESTAMP FROM movies_movie ORDER BY id LIMIT %s",
            [batch, (rows + 1) // 2],
        )
        films = Movie.objects.order_by("id").values_list("id", "title", "minutes")[:rows]
        yield [Listing(batch=batch, film=pk, title=t, minutes=m) for pk, t, m in films]


def show(request, sent):
    """Show the listings as they are in the database: 1 query."""
    listings = Listing.objects.filter(batch=sent[0].batch).order_by("film")
    return render(request, "movies/listings.html", {"rows": listings})


def update_or_create(listing):
    """Write a listing: 2 queries."""
    new = {"title": listing.title, "minutes": listing.minutes}
    Listing.objects.update_or_create(batch=listing.batch, film=listing.film, defaults=new)


def loop(request, rows):
    # Expect 4 queries, and for each film a SELECT and an UPDATE or INSERT, with their own commit.
    with programme(rows) as sent:
        for listing in sent:
            update_or_create(listing)
        return show(request, sent)


def together(request, rows):
    # Expect 4 queries, and for each film a SELECT and an UPDATE or INSERT, in one transaction.
    with programme(rows) as sent:
        with transaction.atomic():
            for listing in sent:
                update_or_create(listing)
        return show(request, sent)


def conflicts(request, rows):
    # Expect 4 queries, and 1 INSERT … ON CONFLICT for every hundred films.
    with programme(rows) as sent:
        Listing.objects.bulk_create(
            sent,
            batch_size=100,
            update_conflicts=True,
            unique_fields=["batch", "film"],
            update_fields=["title", "minutes"],
        )
        return show(request, sent)


TEMPLATES = ("movies/listings.html",)
ONE_BY_ONE = {"also": (update_or_create, programme, show), "templates": TEMPLATES}

experiment = Experiment(
    title="Insert or update",
    topic="Slow and lost writes",
    remedy="the insert that settles conflicts",
    cost="`save()` is not called, no signal is sent, and nobody learns which rows were new. What "
    "the row held before is overwritten unread. On PostgreSQL an update that comes in this way "
    "uses up a number of the key's sequence, too.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/querysets/#bulk-create",
    variants=(
        Variant("loop", loop, Queries(4, per_row=2), **ONE_BY_ONE),
        Variant("transaction", together, Queries(4, per_row=2), **ONE_BY_ONE),
        Variant(
            "conflicts",
            conflicts,
            Queries(4, batch=100),
            also=(programme, show),
            templates=TEMPLATES,
        ),
    ),
)
