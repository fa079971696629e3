"""An index makes reading fast, and every index makes every insert slower.

Both views write the same loans of films into a table, show the first of them, and take them all
back: the transaction is rolled back, so nothing stays. Before that they empty the table, should
anything lie in it. The two tables have the same columns. The slow variant's has an index for each
of its four columns, as one adds them over the years, just in case; the other one's has none but its
primary key.

A new row goes where there is room: in SQLite at the end of the table, in PostgreSQL on any page
that has some. Its entry in an index has to go where it belongs in the order, so four indexes are
four more places to find, to change and to write down for every row. Where loans are looked up by
their shelf, that work pays for itself. An index that no query uses is nothing but work. The
database makes the loans itself, out of the reviews, by one `INSERT`: so what you see is the
writing, and not the Python that would go before it.

The tables are empty when the writing begins, and their indexes small enough for memory. In a large
table entries are scattered over many pages, and the price is higher than here.

**When it matters.** Logs, events, imports: tables that are written more than read. Give an index to
a query that you have ([the missing index](/experiments/missing-index/)), not to a column, and take
away those that no query uses.
"""

from django.db import connection, transaction
from django.shortcuts import render

from movies.models import IndexedLoan, Loan, Review
from perflab.catalogue.registry import Choice, Experiment, Queries, Variant

LOANS = (5_000, 10_000, 30_000)


def write_loans(model, number):
    """Write so many loans, one for each of the first reviews."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} (film, borrower, shelf, days) "
            "SELECT movie_id, reviewer, id * 2654435761 %% 2147483648, score "
            "FROM movies_review ORDER BY id LIMIT %s",
            [number],
        )


def clear(model):
    """Delete what somebody else has left in a table: 1 query, and 1 more if there is anything."""
    if model.objects.exists():
        model.objects.all().delete()


def slow(request, rows, loans):
    # Expect 3 queries: is the table empty? The loans are written, into it and four indexes; some
    # are read.
    clear(IndexedLoan)
    with transaction.atomic():
        write_loans(IndexedLoan, loans)
        first = list(IndexedLoan.objects.order_by("id").values("film", "borrower", "shelf")[:rows])
        transaction.set_rollback(True)
    return render(request, "movies/loans.html", {"rows": first})


def fast(request, rows, loans):
    # Expect 3 queries: is the table empty? The loans are written, into it alone; some are read.
    clear(Loan)
    with transaction.atomic():
        write_loans(Loan, loans)
        first = list(Loan.objects.order_by("id").values("film", "borrower", "shelf")[:rows])
        transaction.set_rollback(True)
    return render(request, "movies/loans.html", {"rows": first})


ALSO = {"also": (write_loans, clear), "templates": ("movies/loans.html",)}

experiment = Experiment(
    title="The price of an index",
    topic="Indexes: missing, unused, too many",
    remedy="doing without the indexes",
    count=Review.objects.all()[: max(LOANS)].count,
    rows="loans",
    cost="The reading: without its index a query reads the whole table. Nor is a rollback free: on "
    "PostgreSQL the rows stay in the files, unseen, until its autovacuum sweeps them up.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/indexes/",
    figure="time",
    price="four indexes",
    knobs=(Choice("loans", "Loans written", LOANS, 10_000),),
    variants=(
        Variant("slow", slow, Queries(3), **ALSO),
        Variant("fast", fast, Queries(3), **ALSO),
    ),
)
