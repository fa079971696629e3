"""A 304 saves the bytes of a page, and its work only if you can tell early.

A browser keeps what it was sent. If the answer carried an `ETag`, a mark of the page's content, or
a `Last-Modified` date, the browser sends it back with its next request, and a server that finds the
page unchanged answers `304 Not Modified`, without a body.

The first variant sends no mark, so every visit is a whole page. The second one has the decorator
`conditional_page`, which does what `ConditionalGetMiddleware` does for a whole site: it makes the
mark from the finished page. So the view runs, the template renders, the result is hashed, and only
then is it thrown away. The network carries next to nothing, and the server has worked a little
*more* than before. The third variant knows beforehand. `condition` calls a function that makes the
mark of something small, here of the row that changes along with the collection. If it matches, the
view is never called.

**A form defeats the second one.** Django masks the CSRF token anew for each page, so two pages with
`{% csrf_token %}` are never equal. Their hashes differ, and no visit ends with a 304. The mark of
the third variant does not depend on the token.

**When it matters.** The second variant on slow lines and for large pages, where the bytes cost more
than the work. The third one wherever a row, a version or a date tells that nothing has changed. A
first visitor gains nothing from either: the copy is in each visitor's own browser. For many
visitors use a cache on the server, which they share.
"""

from django.shortcuts import render
from django.views.decorators.http import condition, conditional_page

from movies.models import Movie, Seeding
from perflab.catalogue.registry import Experiment, Queries, Variant
from perflab.catalogue.release import release


def programme(request, rows):
    """The page, the same for all variants."""
    movies = Movie.objects.select_related("director").prefetch_related("countries")
    return render(request, "movies/programme.html", {"movies": movies.order_by("id")[:rows]})


def version(request, rows):
    """The ETag: the page depends on the films, on the lab's own files and on the rows asked for."""
    # Expect 1 query: the one row that is written whenever films are.
    films = Seeding.objects.values_list("version", flat=True).first()
    return f'"{rows}-{films}-{release()}"'


def whole(request, rows):
    # Expect 2 queries every time: the films with their directors, then the countries.
    return programme(request, rows)


@conditional_page
def hashed(request, rows):
    # Expect 2 queries every time, also where the page then turns out to be unchanged.
    return programme(request, rows)


@condition(etag_func=version)
def asked_first(request, rows):
    # Expect 3 queries for a new visitor: the version, then the page. For a 304 expect 1.
    return programme(request, rows)


EVERY_PAGE = """
MIDDLEWARE += ["django.middleware.http.ConditionalGetMiddleware"]  # instead of the decorator
"""

experiment = Experiment(
    title="Not modified",
    topic="The same work at every visit",
    remedy="asking for the version first",
    figure="bytes",
    cost="One more query for every new visitor. And the version must change with everything that "
    "the page shows: forget the layout or the visitor, and somebody keeps an old page.",
    docs="https://docs.djangoproject.com/en/5.2/topics/conditional-view-processing/#the-condition-decorator",
    variants=(
        Variant("whole", whole, Queries(2), also=(programme,)),
        Variant(
            "hashed",
            hashed,
            Queries(2),
            warm=Queries(2),
            settings=EVERY_PAGE,
            revalidates=True,
        ),
        Variant(
            "asked-first",
            asked_first,
            Queries(3),
            warm=Queries(1),
            also=(version,),
            revalidates=True,
        ),
    ),
)
