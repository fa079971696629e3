"""A cache tag that saves nothing: the view has already done the work.

Both variants use the same template, with `{% cache %}` around the list. It helps only if the work
happens *while rendering*. The slow view turns its queryset into a list before it calls
`render`: the query runs every time, and the cache saves no more than the HTML of the rows.

The fast view hands over the queryset itself, still lazy. Only the loop inside the cache tag
would evaluate it, and on a hit that loop does not run.

**When it matters.** Whenever a fragment is cached and the page does not get faster. In the view,
`list(movies)`, `len(movies)` and `if movies:` each run the query. `print(movies)` runs one of its
own, for the first 21 rows, and leaves the queryset lazy. `Paginator(movies, 20).page(1)` counts the
rows with a query on every visit. The rows of that page stay lazy, so the tag still saves their
query. Look at the SQL panel of the toolbar: a query that is still there on the second
visit was not inside the tag.
"""

from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Variant


def slow(request, rows):
    # Expect 1 query every time: list() runs it here, outside the template's cache tag.
    movies = list(Movie.objects.select_related("director").order_by("id")[:rows])
    return render(request, "movies/cached_list.html", {"movies": movies, "movies_shown": rows})


def fast(request, rows):
    # Expect 1 query while the fragment is not in the cache, and none when it is.
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/cached_list.html", {"movies": movies, "movies_shown": rows})


experiment = Experiment(
    title="The fragment trap",
    topic="A cache that helps little, or answers wrong",
    remedy="the lazy queryset",
    cost="Nothing but attention: the view must leave its queryset alone, and so must whoever edits "
    "it next. A test that counts the queries of a second visit keeps it so.",
    docs="https://docs.djangoproject.com/en/5.2/ref/models/querysets/#when-querysets-are-evaluated",
    variants=(
        Variant("slow", slow, Queries(1), warm=Queries(1), templates=("movies/cached_list.html",)),
        Variant("fast", fast, Queries(1), warm=Queries(0), templates=("movies/cached_list.html",)),
    ),
)
