"""Rows to JSON: objects that nobody needs, made one by one and taken apart again.

An API answers with the films as JSON. All variants run one query and say the same; between the rows
of the database and the text lies only Python. So the figure is the CPU time. A machine that has
other work to do interrupts the longer variant more often than the shorter one. That makes the ratio
of their times uncertain, and the CPU time does not count it.

The slow view asks for model instances. For every row Django makes a film and a director, with all
their columns, the long synopsis among them, and a loop turns each into a dictionary, field by
field. The serialisers of REST frameworks work like this, with more layers. The second variant asks
for the same instances with no more columns than it shows. The last one asks with `values` for what
it needs, dictionaries at once, and one `JsonResponse` writes them all.

The variant *template* is there for reference: it hands the very dictionaries of *values* to a
template. Compare these two: they read the same from the database, so the template is what makes the
difference.

**What a library changes.** A third-party serialiser, such as the one of Django REST framework, goes
through instances and fields as the slow view does, and checks more on the way. A faster encoder
(orjson, msgspec) replaces only the last step, the writing of the text, and of the time of *values*
that is the smaller part: measure it before you add it. In a template an `{% include %}` within the
loop renders a template for each row, which takes longer than the same lines written into the loop.

**When it matters.** Lists of many rows, exports and APIs. On a page of ten rows nobody notices, and
an instance with its methods is nicer to work with. Where a template is the bottleneck, no query can
be saved any more: show fewer rows, or cache what was rendered.
"""

from django.http import HttpResponse, JsonResponse
from django.template.loader import render_to_string

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant

COLUMNS = ("id", "title", "year", "minutes", "director__name")


def as_dict(movie):
    """One film as the API tells of it."""
    return {
        "id": movie.id,
        "title": movie.title,
        "year": movie.year,
        "minutes": movie.minutes,
        "director__name": movie.director.name,
    }


def instances(request, rows):
    # Expect 1 query: all columns of the films and of their directors.
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return JsonResponse({"movies": [as_dict(movie) for movie in movies]})


def narrow(request, rows):
    # Expect 1 query: the columns that are shown, still as films with directors.
    movies = Movie.objects.select_related("director").only(*COLUMNS).order_by("id")[:rows]
    return JsonResponse({"movies": [as_dict(movie) for movie in movies]})


def values(request, rows):
    # Expect 1 query: the columns that are shown, as dictionaries.
    movies = Movie.objects.order_by("id").values(*COLUMNS)[:rows]
    return JsonResponse({"movies": list(movies)})


def template(request, rows):
    # Expect 1 query, that of `values`; the rest is the template.
    movies = Movie.objects.order_by("id").values(*COLUMNS)[:rows]
    return HttpResponse(render_to_string("movies/table.html", {"movies": movies}))


experiment = Experiment(
    title="From rows to JSON",
    topic="Slow Python, large answers",
    remedy="asking for values",
    figure="cpu_time",
    cost="Dictionaries have no methods and no defaults of the model, and a renamed column shows in "
    "the API at once. Who serialises with a library gives up its checks.",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/optimization/#use-queryset-values-and-values-list",
    lesson=Setting(movies=1000),
    variants=(
        Variant("instances", instances, Queries(1), also=(as_dict,), body="json"),
        Variant("narrow", narrow, Queries(1), body="json"),
        Variant("values", values, Queries(1), body="json"),
        Variant(
            "template",
            template,
            Queries(1),
            templates=("movies/table.html",),
            differs="This page is HTML: a template shows the rows of the variant values.",
            reference=True,
        ),
    ),
)
