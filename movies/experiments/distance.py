"""The visitor is far away, and waits for round trips: the site has answered long ago.

Each question travels to the site and each answer travels back. That is a *round trip*: some 10 ms
within a country, 100 ms to another continent, more on a phone. No faster line shortens it: what
counts is distance, and how often one has to wait for an answer before one can ask again.

The page is a list of films with 24 small scripts. The view builds it, and then plays its visitor:
a small client asks for the page as a browser does, and then for the scripts that the page names,
over one connection or over six at once (the knob). Between the client and the small site lies a
proxy of the lab's own that really delays all data. The distance is **simulated**, the waiting is
not.

1. *connection-each*: the site closes each connection after its answer, as Gunicorn's sync worker
   does where no proxy stands in front of it. Each file costs two round trips: one opens the
   connection (TCP's handshake), one brings the answer.
2. *keep-alive*: connections stay open, so each file costs one. The page's first request alone
   waits for a handshake, and so does each further connection.
3. *bundled*: all scripts in one file. That is one request instead of 24.
4. *compressed*: fewer bytes. Bytes cost round trips too, since a new connection begins slowly: some
   14 kB pass in the first round trip, then twice as much in each one after it (slow start). A page
   that fits into the first 14 kB needs one, whatever the line could carry.
5. *cached*: `Cache-Control` lets the browser keep the scripts. The visitor has been here before, so
   only the page itself has to travel. For somebody who comes for the first time it is the one
   before.

**What is left out.** The proxy's slow start is simplified, it loses no packet, and its line has no
limit of bandwidth. HTTPS costs one more round trip for each new connection (TLS 1.3), or two (1.2).
HTTP/2 and HTTP/3 ask for all files at once over one connection, and then bundles save less. The
small site runs within the worker that makes the page, so its own work is part of the time.

**When it matters.** Look at your visitors' round trips before you make a view faster: a view of
20 ms is a small part of the wait of somebody 100 ms away. All this makes round trips fewer, and
none makes one shorter. For that a server has to be nearer: a CDN for files and for pages that are
the same for everybody, or servers in several regions for the others.
"""

from django.conf import settings
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page

from movies.distance.files import BUNDLE, FILES, file
from movies.distance.site import Site
from movies.distance.visitor import visit
from movies.models import Movie
from perflab.catalogue.registry import Choice, Experiment, Queries, Setting, Variant


def page(request, rows, files):
    """The page that the small site sends, which names these files."""
    # Expect 1 query: the films with their directors.
    movies = Movie.objects.select_related("director").order_by("id")[:rows]
    return render(request, "movies/far_page.html", {"movies": movies, "files": files})


def show(request, visited, delay):
    """What arrived at the visitor's: the list of the page, and what it took."""
    _, start, rest = visited.page.partition("<dl>")
    content, end, _ = rest.partition("</dl>")
    listing = mark_safe(start + content + end)  # of our own template, which has escaped it
    context = {"visited": visited, "delay": delay, "listing": listing}
    return render(request, "movies/far_away.html", context)


def connection_each(request, rows, delay, connections):
    site = Site(page(request, rows, FILES), file, keep_alive=False)
    return show(request, visit(site, delay, connections), delay)


def keep_alive(request, rows, delay, connections):
    site = Site(page(request, rows, FILES), file)
    return show(request, visit(site, delay, connections), delay)


def bundled(request, rows, delay, connections):
    site = Site(page(request, rows, BUNDLE), file)
    return show(request, visit(site, delay, connections), delay)


def compressed(request, rows, delay, connections):
    site = Site(page(request, rows, BUNDLE), file, around=gzip_page)
    return show(request, visit(site, delay, connections), delay)


@cache_control(public=True, max_age=365 * 24 * 3600, immutable=True)
def kept(request, name):
    """The same file, which browsers may keep for a year."""
    return file(request, name)


def cached(request, rows, delay, connections):
    site = Site(page(request, rows, BUNDLE), kept, around=gzip_page)
    return show(request, visit(site, delay, connections), delay)


# A visit holds its worker, so in a public lab nobody is far away.
DELAYS = (0, 10) if settings.PUBLIC else (0, 20, 50, 100)
DELAY = 10 if settings.PUBLIC else 50
COUNTS = "The page says how many round trips, requests and connections it took."


def variant(name, view, *also, differs=""):
    return Variant(name, view, Queries(1), also=also, differs=differs, event_loop=True)


experiment = Experiment(
    title="The far visitor",
    act="measure",
    topic="Waiting for others",
    remedy="fewer round trips",
    figure="time",
    knobs=(
        Choice("delay", "Round trip to the visitor, ms (simulated)", DELAYS, DELAY),
        Choice("connections", "Connections at once (browsers: 6)", (1, 6), 6),
    ),
    cost="Kept connections hold memory, and with Gunicorn they need threads or a proxy in front. A "
    "bundle is fetched anew as a whole when one line of it changes. Compression takes CPU time. "
    "What browsers keep for a year has to get another name when it changes: "
    "`ManifestStaticFilesStorage` gives it one.",
    docs="https://docs.djangoproject.com/en/5.2/ref/contrib/staticfiles/"
    "#manifeststaticfilesstorage",
    lesson=Setting(own={"delay": DELAY}),
    not_at=Setting(
        own={"delay": 0},
        why="Nobody waits for the way to a visitor next door: what is left is the work of "
        "answering more requests.",
    ),
    variants=(
        variant("connection-each", connection_each, page, file),
        variant("keep-alive", keep_alive, page, file, differs=COUNTS),
        variant("bundled", bundled, page, file, differs=COUNTS),
        variant("compressed", compressed, page, file, differs=COUNTS),
        variant("cached", cached, page, kept, differs=COUNTS),
    ),
)
