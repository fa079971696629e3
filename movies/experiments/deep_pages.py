"""Page 1,000 of a list: read all that comes before it, or begin where it begins.

`OFFSET` does not lead to a place. The database takes the rows in order, from the first one on, and
throws away as many as it was told to skip. Here it also joins each of them with its director before
it throws it away. (For a deep page PostgreSQL may find it cheaper to join and sort the whole table.
It throws away as many.) Page 1 is quick, and every page is slower than the one before. Turn the
knob *Page* and see: at page 10 it is hardly anything, and from page 100 on it is more and more, as
far as the collection goes. (100 films a page: 1,851 films end on page 19, and page 10,000 takes a
million.)

The other views skip nothing. They are told the key of the page's first film, its year and id, and
ask for the films from there on (*keyset pagination*). A link to the next page carries that key. The
page that shows the link finds it by fetching one row more than it shows. This lab gets the number
of a page instead, so these views have to find the key first, with an `OFFSET`, and keep it for a
minute: a **warm** run is a visitor who followed a link, a **cold** one jumps to the page and pays
for that.

How the key is compared decides whether an index helps. *Either* says what people usually write,
`year > 1994 OR (year = 1994 AND id >= 55)`. PostgreSQL cannot begin at such an `OR`. It reads the
index from its start and throws away what it passes: press *Explain* and read `Rows Removed by
Filter`. SQLite may find the first year in it or read the whole index, as its planner decides.
*Range* says the same in another way: `year >= 1994 AND (year > 1994 OR id >= 55)`. Both databases
begin at the first film of the year, and pass that year's films at most. *Fast* compares both
columns at once, `(year, id) >= (1994, 55)`, and begins at the very film.

The range suits more lists than the comparison of rows does. With newest years first and ids
ascending it is `year <= 1994 AND (year < 1994 OR id >= 55)`, which no comparison of rows can say.
And neither finds a film whose year is NULL: nothing is greater than NULL. Order by columns that are
never NULL, or ask for those rows separately.

**When it matters.** Long lists that are read to the end: feeds, exports, APIs, crawlers that follow
every "next". Where people open the first few pages and no others, `OFFSET` is fine. A *random*
order has no place to begin either: `order_by("?")` gives every row a random number and sorts the
whole table by it. For a few random rows draw some ids at random and fetch these.
"""

from django.core.cache import cache
from django.db.models import Func, IntegerField, Q, Value
from django.db.models.lookups import GreaterThanOrEqual
from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Choice, Experiment, Queries, Setting, Variant


def films():
    """The films by year, each with its director."""
    return Movie.objects.select_related("director").order_by("year", "id")


def first_key(rows, page):
    """The year and id with which a page begins, as its link would say; past the end, no film's."""
    keys = Movie.objects.order_by("year", "id").values_list("year", "id")
    found = cache.get_or_set(f"key-{rows}-{page}", lambda: keys[rows * (page - 1) :].first())
    return found or (32767, 0)


def row(*parts):
    """Several columns or values as one, to be compared with another such row."""
    return Func(*parts, template="(%(expressions)s)", output_field=IntegerField())


def slow(request, rows, page):
    # Expect 1 query, which reads the films of all the pages before too.
    movies = films()[rows * (page - 1) : rows * page]
    return render(request, "movies/page_of_films.html", {"movies": movies, "page": page})


def either(request, rows, page):
    # Expect 1 query, and before it 1 for the key, unless a link has brought it.
    year, pk = first_key(rows, page)
    movies = films().filter(Q(year__gt=year) | Q(year=year, id__gte=pk))[:rows]
    return render(request, "movies/page_of_films.html", {"movies": movies, "page": page})


def from_year(request, rows, page):
    # Expect the same queries. The second one begins at the first film of the year.
    year, pk = first_key(rows, page)
    movies = films().filter(Q(year__gt=year) | Q(id__gte=pk), year__gte=year)[:rows]
    return render(request, "movies/page_of_films.html", {"movies": movies, "page": page})


def fast(request, rows, page):
    # Expect the same queries. The second one reads the films of this page and no others.
    year, pk = first_key(rows, page)
    from_here = GreaterThanOrEqual(row("year", "id"), row(Value(year), Value(pk)))
    movies = films().filter(from_here)[:rows]
    return render(request, "movies/page_of_films.html", {"movies": movies, "page": page})


PAGE = {"templates": ("movies/page_of_films.html",), "cache": "locmem"}
KEYED = {"queries": Queries(2), "warm": Queries(1), **PAGE}

experiment = Experiment(
    title="Deep pages",
    topic="Queries that do too much",
    remedy="beginning at a key",
    figure="time",
    knobs=(Choice("page", "Page", (1, 10, 100, 1_000, 10_000), 10),),
    cost="No page numbers: from one page there are links to the next and back, but none to page "
    "1,000. It needs an order with a unique key and an index on just that, and every new way to "
    "sort the list needs another one.",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/queries/#limiting-querysets",
    lesson=Setting(films=100_000, own={"page": 1_000}),
    not_at=Setting(
        own={"page": 1},
        why="Before page 1 there is nothing to walk past. A small collection has no deep pages.",
    ),
    variants=(
        Variant("slow", slow, Queries(1), also=(films,), **PAGE),
        Variant("either", either, also=(films, first_key), **KEYED),
        Variant("range", from_year, also=(films, first_key), **KEYED),
        Variant("fast", fast, also=(films, first_key, row), **KEYED),
    ),
)
