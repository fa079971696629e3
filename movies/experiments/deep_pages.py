"""Page 1,000 of a list: walk past all that comes before it, or begin where it begins.

`OFFSET` is not a place. The database takes the rows in order, from the first one on, and throws
away as many as it was told to skip; here it joins each with its director too, before it throws it
away. Page 1 is quick, and every page is slower than the one before. Turn the knob *Page* and see:
at page 10 hardly anything, from page 100 on more and more, as far as the collection goes. (100
films a page: 1,851 films end on page 19, and page 10,000 takes a million.)

The fast view skips nothing. It is told the key of the page's first film, its year and id, and asks
for the films from there on (*keyset pagination*): the index on `(year, id)` leads straight to it,
at any depth. A link to the next page carries that key; the page that shows the link finds it by
fetching one row more than it shows. This lab comes by the number of a page instead, so the view has
to find the key first, with an `OFFSET`, and keeps it for a minute: a **warm** run is a visitor who
followed a link, a **cold** one jumps to the page and pays for that.

The comparison has to be made as one, `(year, id) >= (1994, 55)`. The variant in the middle says the
same as people usually say it, `year > 1994 OR (year = 1994 AND id >= 55)`: the same films, and
again a walk from the start of the index, though without a look at the films that it passes. Compare
the plans of all three.

**When it matters.** Long lists that are read to the end: feeds, exports, APIs, crawlers that follow
every "next". Where people open the first few pages and no others, `OFFSET` is fine.
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


def fast(request, rows, page):
    # Expect 1 query, and before it 1 for the key, unless a link has brought it.
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
        Variant("fast", fast, also=(films, first_key, row), **KEYED),
    ),
)
