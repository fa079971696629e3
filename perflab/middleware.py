"""A probe around each request, its figures in `Server-Timing`, and the two ways to look.

Measure: no toolbar, nothing in the way. Inspect: a person's own navigation, toolbar on.
"""

import gzip
import os

from django.conf import settings
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.http import FileResponse
from django.template.loader import render_to_string

from . import server_timing, traces
from .errors import Unavailable, error_page
from .knobs import BadKnob
from .probe import probe

FIGURES_PLACEHOLDER = b"<!-- perflab: figures -->"
LOOPBACK = ("127.0.0.1", "::1")
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


class ProbeMiddleware:
    """Measure each request and say so in its response.

    Sync-only: connections belong to a thread, so an async probe would count nothing. A streamed
    response tells what was known when its first byte left; its trace is complete.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        kind = traces.wanted(request)
        recorder = traces.Recorder(kind) if kind and is_local(request) else None
        measuring = probe(recorder)
        with measuring as measurement:
            response = self.get_response(request)
            stream = stream_of(response)
            first = next(stream, b"") if stream else b""
        if hasattr(request, "scope"):  # ASGI: this thread's clock says nothing of the request
            measurement.cpu_ms = None
        response["Server-Timing"] = server_timing.dump(measurement, os.getpid(), settings.INSTANCE)
        if recorder:
            response["X-Perflab-Trace"] = recorder.id
        if stream:
            response.streaming_content = the_rest(first, stream, measuring, request)
        elif recorder:
            traces.save(recorder, measurement, request.get_full_path())
        if is_shown_to_a_person(request) and is_html(response):
            response["Cache-Control"] = "no-store"
            fill_in_figures(request, response, measurement)
        return response


class InspectMiddleware:
    """Decide how this request is looked at, and hide the question from everything behind."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        parts = request.META["QUERY_STRING"].split("&")
        request.inspect = can_inspect(request) and (
            "inspect=1" in parts or (is_navigation(request) and "inspect=0" not in parts)
        )
        # cache_page would file the page under another key.
        request.META["QUERY_STRING"] = "&".join(
            part for part in parts if not part.startswith(("inspect=", "trace="))
        )
        return self.get_response(request)


class ErrorPagesMiddleware:
    """A page that says what was wrong: a knob, a database without an answer, tables or columns."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, BadKnob):
            title = "A knob cannot be set like that"
            return error_page(request, 400, title, str(exception))
        if missing := missing_in_database(exception):
            title = f"The database has no {missing} yet"
            detail = "Run `manage.py migrate`, then `manage.py seed`."
        elif isinstance(exception, (OperationalError, InterfaceError)):
            title = "The database does not answer"
            detail = "What needs no database still works. Reload when it is back."
        elif isinstance(exception, Unavailable):
            title, detail = "A part of the lab does not answer", str(exception)
        else:
            return None
        return error_page(request, 503, title, detail)


def missing_in_database(exception):
    """What a query failed for want of, "tables" or "columns" as this version has them; else ""."""
    if not isinstance(exception, (OperationalError, ProgrammingError)):
        return ""
    said, state = str(exception), getattr(exception.__cause__, "sqlstate", None)
    if "no such table" in said or state == "42P01":
        return "tables"
    return "columns of this version" if "no such column" in said or state == "42703" else ""


def is_local(request):
    """Whether the client sits on this machine, with no proxy in between, at a lab not public."""
    return (
        not settings.PUBLIC
        and request.META.get("REMOTE_ADDR") in LOOPBACK
        and not any(header in request.headers for header in PROXY_HEADERS)
    )


def can_inspect(request):
    """Whether the toolbar may be shown: it is installed, and the client is local."""
    return settings.TOOLBAR and is_local(request)


def stream_of(response):
    """A streamed response's own iterator; None for a whole response, and for a file."""
    if not response.streaming or response.is_async or isinstance(response, FileResponse):
        return None
    return iter(response.streaming_content)


def the_rest(first, stream, measuring, request):
    """Go on with a stream whose first chunk has been made; its trace is kept when it ends."""
    measurement = measuring.measurement
    try:
        yield first
        with measuring:
            yield from stream
    finally:
        if measurement.recorder:
            traces.save(measurement.recorder, measurement, request.get_full_path())


def is_navigation(request):
    """Whether a person's browser goes to this page itself, not a frame or a script in one."""
    headers = request.headers
    return (
        headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    )


def show_toolbar(request):
    """The toolbar's SHOW_TOOLBAR_CALLBACK; it guards the toolbar's own views too."""
    return can_inspect(request) and (request.path_info.startswith("/__debug__/") or request.inspect)


def is_shown_to_a_person(request):
    """Whether the response fills a browser's tab or frame, so that its figures belong in it.

    Browsers send Sec-Fetch-Dest to loopback and over HTTPS; on plain HTTP the Accept header, which
    scripts and load generators leave at */*, tells as much.
    """
    destination = request.META.get("HTTP_SEC_FETCH_DEST")
    if destination:
        return destination in ("document", "iframe", "frame")
    return "text/html" in request.META.get("HTTP_ACCEPT", "")


def is_html(response):
    """Whether a whole HTML page is at hand."""
    return not response.streaming and response.get("Content-Type", "").startswith("text/html")


def fill_in_figures(request, response, measurement):
    """Put this request's figures where the page left their place. The clock has stopped."""
    packed = response.get("Content-Encoding") == "gzip"
    page = gzip.decompress(response.content) if packed else response.content
    if FIGURES_PLACEHOLDER not in page:
        return
    switch = request.GET.copy()
    switch["inspect"] = "0" if request.inspect else "1"
    figures = render_to_string(
        "perflab/figures.html",
        {
            "m": measurement,
            "worker": os.getpid(),
            "instance": settings.INSTANCE,
            "framed": request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame"),
            "inspect": request.inspect,
            "threaded": request.META.get("wsgi.multithread"),
            "can_inspect": can_inspect(request),
            "toolbar": settings.TOOLBAR,
            "switch": f"?{switch.urlencode()}",
        },
    )
    page = page.replace(FIGURES_PLACEHOLDER, figures.encode(response.charset), 1)
    response.content = gzip.compress(page) if packed else page
    if "Content-Length" in response:
        response["Content-Length"] = len(response.content)
