"""A page asks another service within a transaction, and every other visitor waits for that service.

The page asks the archive where the print of a film lies, and writes down what it has said. Nobody
else may work on the same film meanwhile, so the view locks the film. *inside* asks the archive
after it has taken the lock. The archive takes its time, and so does the lock: the next visitor
waits in the database for a service that is slow for somebody else. *outside* asks first. The
transaction begins when the answer is there, and it lasts for as long as the database needs.

Whoever tests this page alone sees no difference, and the time of a single run shows none. Play the
story: six visitors come at the same moment, and the page says how long each waited for the
database. Two browsers show it too: set *wait* to 1,000 ms, open the page of *inside* alone in
both, one just after the other, and read the time of the queries in the line under the header. The
archive is a small service of the lab's own. It really waits, as long as the knob *wait* says
(**simulated**).

On PostgreSQL the others wait for the row of this film, and for nothing else. On SQLite a
transaction that may write locks the whole file, so every visitor who writes anything waits, and
after `timeout` seconds gets `database is locked`. Nor is there a queue: some visitors wait while
others pass them. Whoever only reads waits for nobody on PostgreSQL. On SQLite that needs
`journal_mode=WAL`, which this lab has, and a read outside of `atomic()`: with `"transaction_mode":
"IMMEDIATE"` each transaction counts as one that may write.

More is held than the lock. The connection can do nothing else meanwhile, so a pool or PgBouncer
cannot give it to another visitor; `pg_stat_activity` shows it as `idle in transaction`. And
PostgreSQL cannot clean up rows that the transaction might still see.

**When it matters.** Payments, mail, search, uploads: each call to another service. With
`ATOMIC_REQUESTS` each view is one transaction, so each call is inside: take such a view out with
`@transaction.non_atomic_requests`. Give every call a time-out, and PostgreSQL an
`idle_in_transaction_session_timeout`.
"""

from django.conf import settings
from django.db import transaction
from django.shortcuts import render

from movies.archive_services import ask
from movies.models import Movie, Print
from perflab.catalogue.registry import Choice, Experiment, Queries, Setting, Step, Variant


def inside(request, rows, wait):
    # Expect 4 queries. Between the second and the third the transaction waits for the archive.
    movies = list(Movie.objects.only("title", "year").order_by("id")[:rows])
    with transaction.atomic():
        film = Movie.objects.select_for_update().only("title").get(pk=movies[0].pk)
        place = ask("vault", [film], wait)[0]
        Print.objects.update_or_create(film=film.pk, defaults={"place": place})
    return render(request, "movies/place.html", {"movies": movies, "place": place})


def outside(request, rows, wait):
    # Expect the same 4 queries. The archive has answered before the transaction begins.
    movies = list(Movie.objects.only("title", "year").order_by("id")[:rows])
    place = ask("vault", movies[:1], wait)[0]
    with transaction.atomic():
        film = Movie.objects.select_for_update().only("title").get(pk=movies[0].pk)
        Print.objects.update_or_create(film=film.pk, defaults={"place": place})
    return render(request, "movies/place.html", {"movies": movies, "place": place})


# With 1,000 ms two people can try it by hand. A public lab lets nobody wait for so long.
WAITS = (0, 20, 50, 200) if settings.PUBLIC else (0, 20, 50, 200, 500, 1000)
WAIT = 200 if settings.PUBLIC else 500
PAGE = {"also": (ask,), "templates": ("movies/place.html",)}

experiment = Experiment(
    title="The long transaction",
    topic="Slow and lost writes",
    remedy="the call outside of the transaction",
    cost="Between the answer and the lock somebody else may change the film, so look again once "
    "you have the lock. And if the transaction fails, the call has been made all the same: a "
    "payment needs a row that says so before the call, and a key by which the service knows a "
    "second attempt.",
    docs="https://docs.djangoproject.com/en/5.2/topics/db/transactions/"
    "#controlling-transactions-explicitly",
    knobs=(Choice("wait", "Wait of the service, ms (simulated)", WAITS, WAIT),),
    lesson=Setting(movies=10),
    not_at=Setting(
        movies=10, own={"wait": 0}, why="A service that answers at once keeps nobody waiting."
    ),
    variants=(
        Variant("inside", inside, Queries(4), **PAGE),
        Variant("outside", outside, Queries(4), **PAGE),
    ),
    figure="correctness",
    truth="prompt",
    story=(
        Step("One visitor comes alone.", read="waits"),
        Step("Six visitors come at the same moment.", requests=6, burst=True, read="waits"),
        Step("Six more come.", requests=6, burst=True, read="waits"),
    ),
)
