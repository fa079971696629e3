"""A slow line between the lab and its visitor, simulated: a response leaves at a given pace."""

import time
from functools import wraps

from django.http import StreamingHttpResponse

from perflab.web.errors import error_page

LONGEST_S = 10  # for which a response may hold its worker; settings.MAX_PAGE_MS of a line
TICK_S = 0.01  # between two pieces of a response


def over_a_line(view):
    """Send the view's response at the pace of its keyword `line`, in kbit/s; 0 sends it at once.

    What the decorators below this one make of the response, compression say, is what is sent. A
    response that would take too long is not sent at all, and a 400 page says why.
    """

    @wraps(view)
    def wrapper(request, *args, line=0, **kwargs):
        response = view(request, *args, **kwargs)
        if not line:
            return response
        content = response.content
        seconds = len(content) * 8 / (line * 1000)
        if seconds > LONGEST_S:
            return error_page(
                request,
                400,
                "This page is too large for this line",
                f"{len(content):,} bytes take {seconds:.0f} s at {line:,} kbit/s, and the lab "
                f"stops at {LONGEST_S} s: ask for fewer films, or for a faster line.",
            )
        slowly = StreamingHttpResponse(
            paced(content, line * 1000 / 8), status=response.status_code, headers=response.headers
        )
        slowly["Content-Length"] = len(content)
        return slowly

    return wrapper


def paced(content, bytes_per_s):
    """The content in pieces, each when so slow a line would have brought it."""
    yield b""  # the headers: they leave at once, and with them ends the view's own time
    started = time.monotonic()
    sent = 0
    while sent < len(content):
        piece = content[sent : sent + max(1, int(bytes_per_s * TICK_S))]
        sent += len(piece)
        time.sleep(max(0, started + sent / bytes_per_s - time.monotonic()))
        yield piece
