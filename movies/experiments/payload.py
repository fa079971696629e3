"""Everything in one page: the network is busy, while the server has long been done.

The page shows films with their synopses. The server has finished when the first byte leaves, and
the visitor waits for the last byte. So here the time is measured at the visitor's end.

The slow view sends all films in one page. The second variant compresses it with `gzip_page`: text
and tables shrink to a fraction, for some milliseconds of CPU time. The third sends the first twenty
films and leaves the others to the next page, which few people open: less to query, less to render,
less to send. The last one does both.

The knob *line* sends each response at the pace of a slow network, **simulated**: on one machine
there is no slow network, and without one compression costs time and saves none. Turn the knob to
find the pace from which on compression saves more time than it takes.

The compressed page is not equally long each time. Django's `GZipMiddleware`, and `gzip_page`, add
up to 100 random bytes to each answer, so that its length tells an attacker less.

**When it matters.** For visitors on phones, with slow lines or far away, and where traffic costs
money. In production the balancer or a CDN often compresses. Nobody but the view can make a page of
a thousand rows shorter.
"""

from django.shortcuts import render
from django.views.decorators.gzip import gzip_page

from movies.models import Movie
from movies.slow_network import over_slow_network
from perflab.catalogue.registry import Choice, Experiment, Queries, Setting, Variant

ON_A_PAGE = 20
FIRST = "This page shows the first twenty films; the others are on the next pages."


@over_slow_network
def everything(request, rows):
    # Expect 1 query: all the films with their directors.
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/synopses.html", {"movies": movies})


@over_slow_network
@gzip_page
def compressed(request, rows):
    # Expect 1 query: all the films with their directors.
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/synopses.html", {"movies": movies})


@over_slow_network
def first_page(request, rows):
    # Expect 1 query: no more films than a page holds.
    movies = Movie.objects.select_related("director").order_by("id")[: min(rows, ON_A_PAGE)]
    return render(request, "movies/synopses.html", {"movies": movies})


@over_slow_network
@gzip_page
def both(request, rows):
    # Expect 1 query: no more films than a page holds.
    movies = Movie.objects.select_related("director").order_by("id")[: min(rows, ON_A_PAGE)]
    return render(request, "movies/synopses.html", {"movies": movies})


TEMPLATES = ("movies/synopses.html",)

experiment = Experiment(
    title="Bytes on the line",
    topic="Slow Python, large answers",
    remedy="a compressed first page",
    figure="bytes",
    clock="client",
    knobs=(Choice("line", "Simulated line, kbit/s (0: none)", (0, 1000, 4000, 20000), 0),),
    cost="CPU time for each compression. A click for whoever wants the other films. And a risk: if "
    "a page holds a secret and also text that a stranger can choose, the length of the compressed "
    "page can betray the secret (the BREACH attack). Django masks its CSRF tokens against it, and "
    "adds the random bytes.",
    docs="https://docs.djangoproject.com/en/5.2/topics/http/decorators/#gzip-compression",
    lesson=Setting(own={"line": 1000}),
    not_at=Setting(
        own={"line": 0},
        why="Within one machine a byte takes no time: there are fewer of them, and the page is "
        "hardly faster.",
    ),
    variants=(
        Variant(
            "everything", everything, Queries(1), templates=TEMPLATES, also=(over_slow_network,)
        ),
        Variant("compressed", compressed, Queries(1), templates=TEMPLATES),
        Variant("first-page", first_page, Queries(1), templates=TEMPLATES, differs=FIRST),
        Variant("both", both, Queries(1), templates=TEMPLATES, differs=FIRST),
    ),
)
