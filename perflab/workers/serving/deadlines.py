"""Deadlines for what a worker waits for itself: a large body, the rest of an odd head."""

import time

from gunicorn.http.errors import NoMoreData
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader

from .arrivals import BODY_S, HEAD_S


class LateHead(NoMoreData):
    """The head of a request has not arrived in time. Gunicorn closes the connection."""


class PatientUnreader(SocketUnreader):
    """Read from a connection until a deadline, however many bytes come before it."""

    def begin(self, seconds, late):
        """Start anew: all that is read from now on has so many seconds, or `late` is raised."""
        self.seconds, self.late, self.deadline = seconds, late, None

    def add(self, data):
        """Keep what has been received for the next read."""
        self.buf.seek(0, 2)
        self.buf.write(data)

    def chunk(self, size_hint=None):
        """Return the next piece of data. Gunicorn calls this when nothing is kept any more."""
        now = time.monotonic()
        if self.deadline is None:
            self.deadline = now + self.seconds
        before = self.sock.gettimeout()
        left = self.deadline - now
        if left <= 0:
            raise self.late
        self.sock.settimeout(left if before is None else min(before, left))
        try:
            return super().chunk(size_hint)
        except TimeoutError:
            raise self.late from None
        finally:
            self.sock.settimeout(before)


class PatientParser(RequestParser):
    """Read requests from a connection, each with a deadline for its head and one for its body."""

    def __init__(self, cfg, source, source_addr):
        super().__init__(cfg, source, source_addr)
        if hasattr(source, "recv"):
            self.unreader = PatientUnreader(source)

    def __next__(self):
        if not isinstance(self.unreader, PatientUnreader):
            return super().__next__()
        self.unreader.begin(HEAD_S, LateHead)
        request = super().__next__()
        # An OSError: Django makes an UnreadablePostError of it.
        self.unreader.begin(BODY_S, TimeoutError)
        return request

    next = __next__
