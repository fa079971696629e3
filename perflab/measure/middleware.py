"""A probe around each request, and its figures in `Server-Timing`."""

import gzip
import os
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest
from django.template.loader import render_to_string

from perflab.access import can_inspect, is_from_elsewhere, is_local
from perflab.base.deadlines import page_of

from . import inspection, server_timing, traces
from .probe import Measurement, probe

FIGURES_PLACEHOLDER = b"<!-- perflab: figures -->"


class ProbeMiddleware:
    """Measure each request and say so in its response.

    It is synchronous only: connections belong to a thread, so an asynchronous probe would count
    nothing. The header of a streamed response has what was known when its first byte left; its
    trace is complete.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.instance = settings.INSTANCE

    def __call__(self, request: HttpRequest) -> Any:
        # Nearly no request asks for a trace or streams: that is looked at here, without a call.
        asks_for_trace = "trace=" in request.META["QUERY_STRING"]
        recorder = make_recorder(request) if asks_for_trace else None
        mark = inspection.take_mark()
        measuring = probe(recorder)
        with measuring as measurement, page_of(settings.PAGE_DEADLINE_S):
            measurement.deadline = measuring.started + settings.PAGE_DEADLINE_S
            response = self.get_response(request)
            stream = open_stream(response) if response.streaming else None
            first = next(stream, b"") if stream else b""
        if isinstance(request, ASGIRequest):  # this thread's clock says nothing of the request
            measurement.cpu_ms = None
        inspected = inspection.overlaps(mark)
        response.headers["Server-Timing"] = server_timing.write(
            measurement, os.getpid(), self.instance, inspected
        )
        if recorder:
            response["X-Perflab-Trace"] = recorder.id
        if stream:
            response.streaming_content = continue_stream(
                first, stream, measuring, recorder, request
            )
        elif recorder:
            traces.save(recorder, measurement, request.get_full_path())
        if is_shown_to_a_person(request) and is_html(response):
            response["Cache-Control"] = "no-store"
            fill_in_figures(request, response, measurement, inspected)
        return response


def make_recorder(request: HttpRequest) -> traces.Recorder | None:
    """Return a recorder of the kind that a local visitor asks for; None for everybody else."""
    kind = traces.requested_kind(request)
    if not kind or not is_local(request) or is_from_elsewhere(request):
        return None
    return traces.Recorder(kind)


def open_stream(response: Any) -> Iterator[bytes] | None:
    """Return a streamed response's own iterator; None for a file."""
    if response.is_async or isinstance(response, FileResponse):
        return None
    stream: Iterator[bytes] = iter(response.streaming_content)
    return stream


def continue_stream(
    first: bytes,
    stream: Iterator[bytes],
    measuring: probe,
    recorder: traces.Recorder | None,
    request: HttpRequest,
) -> Iterator[bytes]:
    """Yield a stream's first chunk and the others; write the trace when the stream ends."""
    try:
        yield first
        measuring.measurement.deadline = inf  # whoever reads slowly sets the pace of a stream
        with measuring:
            yield from stream
    finally:
        if recorder:
            traces.save(recorder, measuring.measurement, request.get_full_path())


def is_shown_to_a_person(request: HttpRequest) -> bool:
    """Return whether the response fills a browser's tab or frame, so that its figures belong in it.

    Browsers send Sec-Fetch-Dest to loopback and over HTTPS. On plain HTTP the Accept header tells
    as much: scripts and load generators leave it at */*.
    """
    destination = request.META.get("HTTP_SEC_FETCH_DEST")
    if destination:
        return destination in ("document", "iframe", "frame")
    return "text/html" in request.META.get("HTTP_ACCEPT", "")


def is_html(response: Any) -> bool:
    """Return whether the response is a whole HTML page."""
    return not response.streaming and response.get("Content-Type", "").startswith("text/html")


def fill_in_figures(
    request: HttpRequest, response: Any, measurement: Measurement, overlaps: bool
) -> None:
    """Put this request's figures where the page has their placeholder; the clock has stopped.

    `overlaps` says whether its worker inspected a request meanwhile, this one or another.
    """
    packed = response.get("Content-Encoding") == "gzip"
    page = gzip.decompress(response.content) if packed else response.content
    if FIGURES_PLACEHOLDER not in page:
        return
    inspected = request.inspect  # type: ignore[attr-defined]  # web.middleware sets it
    switch = request.GET.copy()
    switch["inspect"] = "0" if inspected else "1"
    figures = render_to_string(
        "perflab/figures.html",
        {
            "m": measurement,
            "worker": os.getpid(),
            "instance": settings.INSTANCE,
            "framed": request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame"),
            "inspect": inspected,
            "overlaps": overlaps,
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
