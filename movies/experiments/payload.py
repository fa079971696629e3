"""Everything in one page: the network is busy, while the server has long been done.

The page shows films with their synopses. The server's own time ends with the first byte; what the
visitor waits for is the last one, so here the clock is the visitor's.

The slow view sends all films in one page. The second variant compresses it with `gzip_page`: text
and tables shrink to a fraction, for some milliseconds of CPU time. The third sends the first twenty
films and leaves the others to the next page, which few people open: less to query, less to render,
less to send. The last one does both.

The knob *line* sends each response at the pace of a slow network, **simulated**: on one machine
there is no slow network, and without it compression only costs. Turn the knob, and see from which
pace on the time that compression takes is less than the time that it saves.

**When it matters.** On phones, on the road and abroad, and for whoever pays for traffic. In
production, compression is often the balancer's task; a page of a thousand rows is nobody's.
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
    cost="CPU time for each compression, which a cached page pays once. A click for whoever wants "
    "the other films. And compressing a secret beside what a stranger can put on the page lets the "
    "length tell the secret (BREACH); Django masks its own CSRF tokens for that.",
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
