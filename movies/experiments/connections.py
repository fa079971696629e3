"""The most expensive part of a quick query can be the connection it is asked over.

PostgreSQL starts a process for every connection, checks who is there and agrees on a dozen
settings, before it takes the first query. Django's default is to do so for every request and to
hang up at its end (`CONN_MAX_AGE=0`): that is the slow view.

The variant in the middle keeps its connection for the next request (`CONN_MAX_AGE=60`), and asks
before it relies on it whether anybody is still there (`CONN_HEALTH_CHECKS=True`). It is the setting
of this lab's other pages, one connection for each thread of each worker. The fast view borrows one
from a pool and gives it back at the end of the request (`OPTIONS={"pool": …}`): many threads share
few connections, and one that breaks is replaced behind the scenes. All three run the same query on
the same database; only the alias differs.

The connection is made for the first query, so it is part of the time of the page. It is no query,
and neither is the health check: the numbers of queries are the same. The query itself is slower on
a new connection too, because the new process has yet to read what the tables look like.

**When it matters.** Whenever the database is a server, and most where pages are quick, connections
are encrypted and the server is far: setting one up takes several round trips. With one thread a
worker, do not expect a pool to beat a connection that is kept.
"""

from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant


def slow(request, rows):
    # Expect 1 query, over a connection made for it.
    movies = Movie.objects.using("anew").select_related("director").order_by("id")[:rows]
    return render(request, "movies/with_directors.html", {"movies": movies})


def persistent(request, rows):
    # Expect 1 query, over the connection that the request before has left.
    movies = Movie.objects.using("default").select_related("director").order_by("id")[:rows]
    return render(request, "movies/with_directors.html", {"movies": movies})


def fast(request, rows):
    # Expect 1 query, over a connection borrowed from the worker's pool.
    movies = Movie.objects.using("pooled").select_related("director").order_by("id")[:rows]
    return render(request, "movies/with_directors.html", {"movies": movies})


experiment = Experiment(
    title="Connections",
    topic="Waiting for others",
    remedy="the pool",
    figure="time",
    needs="postgresql",
    cost="Connections that are open while nobody asks: each is a process on the server, and it "
    "allows only so many. Count workers times threads, or workers times the size of the pool, "
    "before you add workers; and a pool that is too small makes requests wait for each other.",
    docs="https://docs.djangoproject.com/en/5.2/ref/databases/#persistent-database-connections",
    lesson=Setting(movies=10),
    variants=(
        Variant("slow", slow, Queries(1)),
        Variant("persistent", persistent, Queries(1)),
        Variant("fast", fast, Queries(1)),
    ),
)
