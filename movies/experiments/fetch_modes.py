"""One word in the queryset, and the first film that asks for its director fetches all of them.

A film of the list does not know that it is one of a hundred. So each one fetches its director
alone: the N+1 query bug. From Django 6.1 on a queryset can say what a film does when the code asks
for something that is not there yet: its *fetch mode*.

*loop* has the usual mode, `FETCH_ONE`. *peers* has `FETCH_PEERS`: the first film that asks fetches
for all films of the same queryset, in one query. Nobody has to know beforehand what the template
will ask for. *joined* knows it: `select_related` makes one query of the two. *guarded* does the
same under `FETCH_RAISE`. Whatever is not there yet is then an error, `FieldFetchBlocked`, with the
name of the field. So the N+1 query bug cannot come back when somebody changes the template.

**What it does not solve.** A fetch mode is for foreign keys, one-to-one relations and deferred
columns. For a manager, such as `movie.countries.all()` or `movie.reviews.count()`, both modes
change nothing: each film still runs its own query, and `FETCH_RAISE` says nothing. Use
`prefetch_related` and annotations there. Films that were not fetched together are no peers:
`get()` in a loop fetches one director after the other, and so does `iterator()`, whose films are
gone before the next one comes.

**When it matters.** In code whose templates or serializers are written by others, `FETCH_PEERS`
turns a hundred queries into two without a word about the fields. Where you know what the page
needs, `select_related` and `prefetch_related` stay better, and `FETCH_RAISE` keeps them true.
"""

from django.db import models
from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def loop(request, rows):
    # Expect 1 query for the films and, in the template, 1 for each film's director.
    movies = Movie.objects.order_by("id")[:rows]
    return render(request, "movies/with_directors.html", {"movies": movies})


def peers(request, rows):
    # Expect 2 queries: the films and, as soon as the first one asks, the directors of all.
    movies = Movie.objects.fetch_mode(models.FETCH_PEERS).order_by("id")[:rows]
    return render(request, "movies/with_directors.html", {"movies": movies})


def joined(request, rows):
    # Expect 1 query: the films joined with their directors.
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/with_directors.html", {"movies": movies})


def guarded(request, rows):
    # Expect the same query. Without select_related the page would end with FieldFetchBlocked.
    movies = Movie.objects.select_related("director").fetch_mode(models.FETCH_RAISE)
    return render(request, "movies/with_directors.html", {"movies": movies.order_by("id")[:rows]})


PAGE = {"templates": ("movies/with_directors.html",)}

experiment = Experiment(
    title="Fetch modes",
    topic="Too many queries",
    remedy="the join, guarded",
    cost="With `FETCH_PEERS` one look at one film fetches for all of them, also where the page "
    "shows one, and each film remembers its peers. With `FETCH_RAISE` what was slow is an error: "
    "in a project that has many such places, turn it on for one queryset after the other.",
    docs="https://docs.djangoproject.com/en/6.1/topics/db/fetch-modes/",
    needs="django>=6.1",
    not_at=Setting(movies=1, why="One film has no peers, and one director to fetch."),
    variants=(
        Variant("loop", loop, Queries(1, per_row=1), **PAGE),
        Variant("peers", peers, Queries(2), **PAGE),
        Variant("joined", joined, Queries(1), **PAGE),
        Variant("guarded", guarded, Queries(1), **PAGE),
    ),
)
