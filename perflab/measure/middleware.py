"""A probe around each request, and its figures in `Server-Timing`."""

import gzip
import os

from django.conf import settings
from django.http import FileResponse
from django.template.loader import render_to_string

from perflab.access import can_inspect, is_local

from . import server_timing, traces
from .probe import probe

FIGURES_PLACEHOLDER = b"<!-- perflab: figures -->"


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
