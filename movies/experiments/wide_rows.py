"""A list of titles fetches the whole text of every screenplay, and shows none of it.

A queryset selects all columns, the long text too. The database reads it, sends it, and Python makes
a string of it, for every row. A screenplay here has about 60,000 characters (all invented); the
page shows its title, its year and its number of pages.

There are two ways to ask for less, and they sound alike. `defer("text")` leaves out the one long
column. `only("title", "year", "pages")` names the columns to fetch, and Django adds the primary
key. Both still make *model instances*, so they save what the column weighs and nothing of what an
instance costs. `values_list("title", "year", "pages")` makes no instances at all: a row is a plain
tuple, here one with names, so that the template need not change.

**The trap.** A field that was left out is still there: whoever touches it sends a query for it, one
for each row. *Touched* asks for two columns and then calls a method of the model, `count_pages()`,
which looks harmless and reads the text. It sends a hundred more queries to fetch what it had left
out.

**When it matters.** `defer` and `only` where a column is really large: documents, scans, JSON. The
databases store such a value apart from its row, SQLite in overflow pages and PostgreSQL in a table
of its own (TOAST), compressed; not asking for it saves that way too. `values_list` for long lists,
exports and look-ups. Where the columns are short and the rows are few, neither is worth a line: a
deferred column of a hundred characters saves less than the instance costs.
"""

from django.shortcuts import render

from movies.models import Screenplay
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def everything(request, rows):
    # Expect 1 query, of all columns.
    screenplays = Screenplay.objects.order_by("id")[:rows]
    return render(request, "movies/screenplays.html", {"rows": screenplays})


def touched(request, rows):
    # Expect 1 query of two columns and the id, and 1 for each text that count_pages() touches.
    screenplays = Screenplay.objects.only("title", "year").order_by("id")[:rows]
    for screenplay in screenplays:
        screenplay.pages = screenplay.count_pages()
    return render(request, "movies/screenplays.html", {"rows": screenplays})


def defer(request, rows):
    # Expect 1 query, of all columns but the long one.
    screenplays = Screenplay.objects.defer("text").order_by("id")[:rows]
    return render(request, "movies/screenplays.html", {"rows": screenplays})


def only(request, rows):
    # Expect 1 query, of three columns and the id, which an instance cannot do without.
    screenplays = Screenplay.objects.only("title", "year", "pages").order_by("id")[:rows]
    return render(request, "movies/screenplays.html", {"rows": screenplays})


def values_list(request, rows):
    # Expect 1 query, of three columns; a row of it is a tuple and no Screenplay.
    screenplays = Screenplay.objects.values_list("title", "year", "pages", named=True)
    return render(request, "movies/screenplays.html", {"rows": screenplays.order_by("id")[:rows]})


TEMPLATES = ("movies/screenplays.html",)

experiment = Experiment(
    title="Rows wider than the page",
    topic="Queries that do too much",
    remedy="a list of plain values",
    count=Screenplay.objects.count,
    rows="screenplays",
    cost="A tuple has no methods, no get_absolute_url(), and no relations. And with defer() and "
    "only() a field that was left out is fetched when it is touched: one query per row.",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/optimization/"
    "#use-queryset-defer-and-only",
    figure="time",
    not_at=Setting(movies=1, why="One text is fetched in a moment, however long it is."),
    variants=(
        Variant("everything", everything, Queries(1), templates=TEMPLATES),
        Variant(
            "touched",
            touched,
            Queries(1, per_row=1),
            also=(Screenplay.count_pages,),
            templates=TEMPLATES,
        ),
        Variant("defer", defer, Queries(1), templates=TEMPLATES),
        Variant("only", only, Queries(1), templates=TEMPLATES),
        Variant("values-list", values_list, Queries(1), templates=TEMPLATES),
    ),
)
