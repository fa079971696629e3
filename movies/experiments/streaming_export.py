"""An export of everything: hold all of it at once, or pass it on as it comes.

Every review of the films, as CSV. The slow view makes a list of all rows, then one text of all
lines, then a response that holds the text: for a moment the worker has the whole export in memory,
more than once. It works on the developer's machine, and grows with the data until the day it does
not.

The fast view never has more than five hundred rows. `iterator()` takes them from the database in
portions and keeps none, and `StreamingHttpResponse` sends each piece of text while the next is not
made yet. Its memory does not grow with the data.

**Do not expect the first byte at once.** A sort has to end before it gives its first row. So the
export has the order of an index, and SQLite finds its rows as they are asked for. PostgreSQL hands
them out through a server-side cursor, and outside of a transaction that has to outlive the
statement (`WITH HOLD`): the server computes the *whole result* and stores it before it gives the
first row. Within `transaction.atomic()` it can compute rows as they are fetched, so the first one
comes sooner. The block must then stand around the loop inside the generator, and the transaction
stays open until the last byte.

**Under ASGI** an ordinary generator is consumed as a whole before anything is sent. Then it takes
as much memory as the slow view, and Django warns of it. Write `async def` and take the rows by
`aiterator()`. And `iterator()` after `prefetch_related()` wants a `chunk_size`: each portion is
prefetched by itself.

**When it matters.** Exports, reports, feeds, backups. Watch the memory, not the clock, and how it
grows with the films: both do the same work, and what a worker once took it seldom gives back. What
is counted is the memory that Python holds; the database driver may hold a whole result besides, in
the slow view.
"""

import csv
import io
from itertools import islice

from django.http import HttpResponse, StreamingHttpResponse

from movies.models import Movie, Review
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant

# An export would be a text/csv and an attachment; this one is to be seen in a frame.
TEXT = {"content_type": "text/plain; charset=utf-8"}


def reviews(rows):
    """The first films' reviews, as tuples."""
    films = Movie.objects.order_by("id")[:rows].values("id")
    # An index has this order, so nothing need be sorted before the first row is there.
    found = Review.objects.filter(movie__in=films).order_by("movie_id", "id")
    return found.values_list("movie__title", "movie__year", "reviewer", "score", "text")


def as_csv(lines):
    """Some lines of CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def slow(request, rows):
    # Expect 1 query, and everything it finds in memory.
    lines = list(reviews(rows))
    return HttpResponse(as_csv(lines), **TEXT)


def fast(request, rows):
    # Expect 1 query, and five hundred of its rows in memory.
    lines = reviews(rows).iterator(chunk_size=500)
    pieces = iter(lambda: as_csv(islice(lines, 500)), "")  # until one is empty
    return StreamingHttpResponse(pieces, **TEXT)


experiment = Experiment(
    title="A streamed export",
    topic="Slow Python, large answers",
    remedy="the stream",
    figure="memory",
    clock="client",
    cost="Once the first byte has left, it is too late for an error page: a stream that fails just "
    "ends. The length is not known beforehand, and the worker and its database connection are "
    "taken until the slowest reader has read it all.",
    docs="https://docs.djangoproject.com/en/5.2/howto/outputting-csv/#streaming-large-csv-files",
    lesson=Setting(movies=1000),
    not_at=Setting(movies=1, why="The reviews of one film fit into one piece of the stream."),
    variants=(
        Variant("slow", slow, Queries(1), also=(reviews, as_csv), body="lines"),
        Variant("fast", fast, Queries(1), also=(reviews, as_csv), body="lines"),
    ),
)
