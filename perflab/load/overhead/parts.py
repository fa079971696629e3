"""What each part of the lab adds to a request, measured in this process.

Each part is measured with it and without it in turn. The clock is this thread's CPU time: the parts
compute and never wait, and so other programs on the machine do not count as their cost.
"""

import logging
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time
from types import SimpleNamespace

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import connection
from gunicorn.config import Config

from perflab.measure import stats
from perflab.measure.probe import probe
from perflab.workers import access_log, scoreboard

WARM_UP = 20
LOGGED = {  # what the access log tells of a request
    "REMOTE_ADDR": "127.0.0.1",
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/experiments/two-tier/bare/",
    "SERVER_PROTOCOL": "HTTP/1.1",
}
QUERIES = 100


@dataclass(frozen=True)
class Part:
    """What one part adds to a request, in microseconds; `ours` unless it is a default of Django."""

    name: str
    us: float
    ours: bool


class Request(WSGIRequest):
    """A request that is measured, also where InspectMiddleware is left out and does not say so."""

    inspect = False


class PageFailed(Exception):
    """The page cannot be measured. The message is one line."""


def make_page(make_environ, middleware):
    """Return a function that asks for a page in this process, through this middleware.

    `make_environ` returns a new WSGI environ.
    """
    handler = WSGIHandler()
    whole = settings.MIDDLEWARE
    settings.MIDDLEWARE = middleware
    try:
        handler.load_middleware()
    finally:
        settings.MIDDLEWARE = whole

    def get():
        response = handler.get_response(Request(make_environ()))
        if response.status_code != 200:
            raise PageFailed(f"the page answers {response.status_code}")

    return get


def alternate(one, other, rounds):
    """Call two functions in turn, after a warm-up.

    Return the median seconds of the first, and the median of what the second took longer in each
    pair.
    """
    times = ([], [])
    for number in range(WARM_UP + rounds):
        # Who goes first changes too.
        for index, function in ((0, one), (1, other)) if number % 2 else ((1, other), (0, one)):
            started = thread_time()
            function()
            if number >= WARM_UP:
                times[index].append(thread_time() - started)
    longer = [b - a for a, b in zip(*times, strict=True)]
    return stats.median(times[0]), stats.median(longer)


def measure_middleware(make_environ, rounds):
    """Return a Part for each middleware of the settings, in their order."""
    whole = make_page(make_environ, settings.MIDDLEWARE)
    parts = []
    for path in settings.MIDDLEWARE:
        without = make_page(make_environ, [one for one in settings.MIDDLEWARE if one != path])
        _, longer_s = alternate(without, whole, rounds)
        parts.append(Part(path.rpartition(".")[2], longer_s * 1e6, not path.startswith("django.")))
    return parts


def measure_around(rounds):
    """Return a Part each for what Gunicorn does around a request: the access log, the scoreboard.

    Each is called QUERIES times at once, since one call takes about as long as a look at the clock.
    """
    with access_log_line() as write_line, scoreboard_hooks() as count_request:
        return [
            Part(name, alternate(do_nothing, repeat(function), rounds)[1] / QUERIES * 1e6, True)
            for name, function in (("access log", write_line), ("scoreboard", count_request))
        ]


def measure_query(rounds):
    """Return how many microseconds the probe adds to a statement."""
    _, longer_s = alternate(run_statements, run_probed_statements, rounds)
    return longer_s / QUERIES * 1e6


def run_statements():
    """Run some statements that cost next to nothing."""
    with connection.cursor() as cursor:
        for _ in range(QUERIES):
            cursor.execute("SELECT 1")


def run_probed_statements():
    """Run the same statements under a probe."""
    with probe():
        run_statements()


def do_nothing():
    """Do nothing, as often as the other function does something."""
    for _ in range(QUERIES):
        pass


def repeat(function):
    """Return a function that calls another one QUERIES times."""

    def repeated():
        for _ in range(QUERIES):
            function()

    return repeated


@contextmanager
def access_log_line():
    """Yield a function that writes a line of the access log, as Gunicorn does, into a file."""
    log = logging.getLogger("gunicorn.access")
    others, log.handlers = log.handlers, []
    try:
        with TemporaryDirectory() as folder:
            config = Config()
            config.set("accesslog", f"{folder}/access.log")
            config.set("access_log_format", access_log.FORMAT)
            logger = access_log.MillisecondLogger(config)
            response = SimpleNamespace(status="200 OK", sent=2, headers=[])
            took = timedelta(microseconds=1234)
            yield lambda: logger.access(response, None, LOGGED, took)
            log.handlers[0].close()
    finally:
        log.handlers = others


@contextmanager
def scoreboard_hooks():
    """Yield a function that does what the hooks of gunicorn.conf.py do for a request."""
    with (
        TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        accepted, _ = listener.accept()
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        board = scoreboard.Scoreboard(Path(folder) / "scoreboard", slots=1, threads=1)
        writer = scoreboard.SlotWriter(board, board.reserve_slot(), threaded=False)
        with accepted:
            request = SimpleNamespace(unreader=SimpleNamespace(sock=accepted))

            def count_request():
                writer.begin_request(request, scoreboard.queue_time_ns(request))
                writer.end_request(request)

            yield count_request
