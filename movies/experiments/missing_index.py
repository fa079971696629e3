"""Without an index the database reads the whole table to find a page of it.

Every film has a number in the archive's register, and the page shows the first films after a
certain number. The number stands in two columns with the same contents: `register` is a plain one,
`register_indexed` has an index. The two views differ in nothing else.

PostgreSQL has statistics of the plain column: how many values there are and how they are spread.
(SQLite keeps them of indexed columns alone.) They tell how many rows to expect, and not where these
lie. So the database reads every film there is, keeps those whose number is high enough, sorts them,
and hands over the first few. The index is the column once more, sorted, with the place of each row:
the database goes straight to the number, takes the next few entries, and stops. So the slow variant
grows with the collection and the fast variant with the page.

Trace one request under *Why?*, open its statement and press *Explain*: SQLite says `SCAN` of the
one variant and `SEARCH … USING INDEX` of the other, PostgreSQL `Seq Scan` and `Index Scan`. If a
plan scans a large table for a small answer, that is the query to help.

**Which index.** An index helps where it leaves few rows (*selectivity*). If a filter leaves most of
a table, reading all of it is quicker, and PostgreSQL does so. (SQLite seldom knows how many rows a
range leaves, and may take the index all the same.) An index over several columns serves a query
that names its *first* column: `(year, title)` finds a year, or a year and a title, and is little or
no help for a title alone. Put columns that are compared by `=` first, then the one that is sorted
or compared by `<`. A *partial* index, `Index(fields=[…], condition=Q(…))`, holds only the rows that
its condition names: it is small, and serves only queries that say the same. A *covering* index
holds all columns of a query, so that the table itself need not be read.

**After a large import** let the database look at the table: `ANALYZE`. Until then it plans by what
it knew of the old rows. PostgreSQL does it by itself after a while (autovacuum), and SQLite never
does. This lab does it whenever it seeds.

**When it matters.** Columns by which many pages filter, join or sort, in tables that grow. Foreign
keys, unique columns and the primary key have their index already. A query may have an index and
[not use it](/experiments/unused-index/), and every index [has its
price](/experiments/index-price/).
"""

from django.shortcuts import render

from movies.models import Movie
from movies.seeding import REAL_FILMS
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant

LAST_SEEN = 100  # nearly all films come after it


def slow(request, rows):
    # Expect 1 query, which reads all films and sorts them.
    movies = Movie.objects.filter(register__gt=LAST_SEEN).order_by("register")[:rows]
    return render(request, "movies/in_register.html", {"movies": movies})


def fast(request, rows):
    # Expect 1 query, which reads as many films as the page shows.
    movies = Movie.objects.filter(register_indexed__gt=LAST_SEEN).order_by("register_indexed")
    return render(request, "movies/in_register.html", {"movies": movies[:rows]})


experiment = Experiment(
    title="The missing index",
    topic="Indexes: missing, unused, too many",
    first_workshop=True,
    remedy="the index",
    count=Movie.objects.filter(register_indexed__gt=LAST_SEEN).count,
    cost="Space on disk and in memory. Every insert adds an entry to every index: the "
    "experiment *The price of an index* measures that. SQLite changes an index when an update "
    "changes its column. PostgreSQL adds an entry to *every* index when an update changes one "
    "indexed column; if it changes none and there is room beside the old row, PostgreSQL leaves "
    "the indexes alone (HOT).",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/optimization/"
    "#use-standard-db-optimization-techniques",
    figure="time",
    lesson=Setting(films=100_000),
    not_at=Setting(
        films=REAL_FILMS,
        why="A small table is read as a whole in next to no time: the index saves nothing.",
    ),
    variants=(
        Variant("slow", slow, Queries(1), templates=("movies/in_register.html",)),
        Variant("fast", fast, Queries(1), templates=("movies/in_register.html",)),
    ),
)
