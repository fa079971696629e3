"""Simulate a slow network between the lab and its visitor: a response leaves at a given pace."""

import time
from functools import wraps

from django.http import StreamingHttpResponse

from perflab.web.errors import error_page

MAX_RESPONSE_S = 10  # the longest time for which a response may hold its worker
PIECE_S = 0.01  # the time between two pieces of a response


def over_slow_network(view):
    """Send the view's response at the pace of the keyword `line`, in kbit/s; 0 sends it at once.

    The response is sent as the decorators below this one leave it, for example compressed. If it
    would take too long, it is not sent, and a 400 page says why.
    """

    @wraps(view)
    def wrapper(request, *args, line=0, **kwargs):
        response = view(request, *args, **kwargs)
        if not line:
            return response
        content = response.content
        seconds = len(content) * 8 / (line * 1000)
        if seconds > MAX_RESPONSE_S:
            return error_page(
                request,
                400,
                "This page is too large for so slow a line",
                f"{len(content):,} bytes take {seconds:.0f} s at {line:,} kbit/s, and the lab "
                f"allows {MAX_RESPONSE_S} s: ask for fewer films, or for a faster line.",
            )
        slow_response = StreamingHttpResponse(
            pace(content, line * 1000 / 8), status=response.status_code, headers=response.headers
        )
        slow_response["Content-Length"] = len(content)
        return slow_response

    return wrapper


def pace(content, bytes_per_s):
    """Yield the content in pieces, each at the time at which such a network would deliver it."""
    yield b""  # sends the headers at once; the view's own time ends with them
    started = time.monotonic()
    sent = 0
    while sent < len(content):
        piece = content[sent : sent + max(1, int(bytes_per_s * PIECE_S))]
        sent += len(piece)
        time.sleep(max(0, started + sent / bytes_per_s - time.monotonic()))
        yield piece
