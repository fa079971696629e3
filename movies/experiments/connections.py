"""The most expensive part of a quick query can be the connection it is asked over.

PostgreSQL starts a process for every connection, checks who is there and agrees on a dozen
settings, before it takes the first query. Django's default is to do so for every request and to
hang up at its end (`CONN_MAX_AGE=0`): that is the slow view.

The variant in the middle keeps its connection for the next request (`CONN_MAX_AGE=60`). It is the
setting of this lab's other pages, one connection for each thread of each worker. The fast view
borrows one from a pool and gives it back at the end of the request (`OPTIONS={"pool": …}`): many
threads of a worker share few connections. All three run the same query on the same database; only
the alias differs. The settings that make each alias stand below its code.

The connection is made for the first query, so it is part of the time of the page. It is no query,
and neither is the health check: the numbers of queries are the same. The query itself is slower on
a new connection too, because the new process has yet to read what the tables look like.

**What to know before you paste it.** A connection that has broken meanwhile, because the server was
restarted or a firewall forgot it, is noticed and replaced only with `CONN_HEALTH_CHECKS=True`,
which costs a round trip for each request; so it is with the pool. Without it a request fails. A
pool is psycopg's: it needs `psycopg[pool]` and `CONN_MAX_AGE=0`, and each worker process has a pool
of its own. Under ASGI keep no connections by `CONN_MAX_AGE`, as Django's documentation says, and
take a pool. Behind PgBouncer in transaction mode set `DISABLE_SERVER_SIDE_CURSORS=True`: a
server-side cursor lives in one connection, and the next statement may get another.

**When it matters.** Whenever the database is a server, and most where pages are quick, connections
are encrypted and the server is far: setting one up takes several round trips. With one thread a
worker, do not expect a pool to beat a connection that is kept.
"""

from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant

# Of a project whose database "default" is a PostgreSQL.
ANEW = """
DATABASES["anew"] = {
    **DATABASES["default"],
    "CONN_MAX_AGE": 0,  # seconds; Django's default
}
"""
PERSISTENT = """
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
}
"""
POOLED = """
DATABASES["pooled"] = {  # needs psycopg[pool]
    **DATABASES["default"],
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {"pool": {"min_size": 1, "max_size": 4, "timeout": 3}},
}
"""


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
    docs="https://docs.djangoproject.com/en/5.2/ref/databases/#connection-pool",
    lesson=Setting(movies=10),
    variants=(
        Variant("slow", slow, Queries(1), settings=ANEW),
        Variant("persistent", persistent, Queries(1), settings=PERSISTENT),
        Variant("fast", fast, Queries(1), settings=POOLED),
    ),
)
