"""Three services are asked in turn, and the page waits for the sum; together, for the slowest one.

The page needs something from each of three services of an archive: where a film's print lies, of
which format it is, and whether it is in the house. They are a small service of the lab's own, asked
over HTTP, which really waits before it answers, as long as the knob *wait* says (**simulated**).

The slow view asks one after the other. No question needs the answer to another one, yet the second
is not asked before the first is answered. The `async` view sends all three off and gathers the
answers: one thread waits for all three. The last view gives each call to a thread of its own, and
needs no other change. All this is *I/O-bound*: on the slow variant compare the CPU time, which is
that of the request's own thread alone, with the whole.

**The trap: the database in other threads.** Django's connections belong to threads. A thread that
runs a query opens a connection of its own, outside the request's transaction: it does not see what
the request has written and not yet committed. At the end of a request Django closes or keeps the
connection of the request's thread and knows of no other. So that one stays open after the pool of
threads has ended, until Python's garbage collector happens to find it, and PostgreSQL allows only
so many. Fetch what the calls need beforehand, as these views do, and let the threads touch nothing
that would ask the database. If a thread has to ask the database, let it close its connection at the
end: `connection.close()` in a `finally`.

**Always with a time-out.** A service that does not answer would hold the worker for as long as it
likes. The lab's calls give up after 5 s, which is also httpx's default; `requests` has none unless
you give it one.

Under WSGI, as here, an `async` view still holds its worker until it is done, and Django makes an
event loop for each request. Its gain for other visitors begins under ASGI. And with a wait of 0
there is nothing to gain: then the figures show what threads and event loops cost.

**When it matters.** Payment, search, weather, a model's answer: whenever a page asks others. Before
asking together, ask whether it has to ask at all: answers can be cached, and much can be done after
the page has been sent.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.shortcuts import render

from movies.archive_services import SERVICES, ask, ask_async
from movies.models import Movie
from perflab.catalogue.registry import Choice, Experiment, Queries, Setting, Variant


def page(request, movies, answers):
    """Each film, and what the three services say of it."""
    rows = list(zip(movies, *answers, strict=True))
    return render(request, "movies/prints.html", {"rows": rows})


def in_turn(request, rows, wait):
    # Expect 1 query, the films, then three calls: each begins when the one before has ended.
    movies = list(Movie.objects.only("title", "year").order_by("id")[:rows])
    answers = [ask(service, movies, wait) for service in SERVICES]
    return page(request, movies, answers)


async def gathered(request, rows, wait):
    # Expect 1 query, the films, then three calls that wait at the same time, in one thread.
    movies = [movie async for movie in Movie.objects.only("title", "year").order_by("id")[:rows]]
    answers = await asyncio.gather(*(ask_async(service, movies, wait) for service in SERVICES))
    return page(request, movies, answers)


def threads(request, rows, wait):
    # Expect 1 query, the films, then three calls at the same time, each in a thread of its own.
    movies = list(Movie.objects.only("title", "year").order_by("id")[:rows])
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        answers = pool.map(lambda service: ask(service, movies, wait), SERVICES)
    return page(request, movies, answers)


experiment = Experiment(
    title="Three remote calls",
    topic="Waiting for others",
    first_workshop=True,
    remedy="asking together",
    figure="time",
    knobs=(Choice("wait", "Wait of each service, ms (simulated)", (0, 20, 50, 200), 20),),
    cost="Three connections at once instead of one, for the services too. A query in another "
    "thread takes a database connection of its own, which Django does not close. And what fails, "
    "fails among others that are still under way.",
    docs="https://docs.djangoproject.com/en/5.2/topics/async/#async-views",
    lesson=Setting(own={"wait": 50}),
    not_at=Setting(
        own={"wait": 0}, why="Services that answer at once leave no waiting that could be shared."
    ),
    variants=(
        Variant("in-turn", in_turn, Queries(1), also=(ask, page)),
        Variant("async", gathered, Queries(1), also=(ask_async,)),
        Variant("threads", threads, Queries(1), also=(ask,)),
    ),
)
