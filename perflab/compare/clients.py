"""Two ways to ask a lab for a page: in this process, and over HTTP.

Both have `get(path, **headers)`, which returns an Answer, and `settled()`, called when a warm-up is
over.
"""

import gc
import gzip
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from tempfile import TemporaryFile
from time import perf_counter
from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory

from perflab.base.network import is_loopback

TIMEOUT_S = 30  # Gunicorn's own: no page takes longer
ASKED = {"Accept": "*/*", "Accept-Encoding": "gzip"}  # of every request
DEFAULT_PORTS = {"http": 80, "https": 443}


class NoLab(Exception):
    """There is no lab to ask, or no longer. The message is one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and how long it took by a clock outside the lab, in ms, to its last byte."""

    status: int
    headers: dict[str, str]  # by lower-case name
    body: bytes
    outside_ms: float
    wire_bytes: int  # of the body as it was sent

    @classmethod
    def read(cls, status, headers, sent, outside_ms):
        """An Answer with its body unpacked."""
        headers = {name.lower(): value for name, value in headers}
        packed = headers.get("content-encoding") == "gzip"
        body = gzip.decompress(sent) if packed else sent
        return cls(status, headers, body, outside_ms, len(sent))


class InProcess:
    """The lab's own WSGI application, with all its middleware, called in this process.

    Not Django's test client: that one keeps connections from being checked as they are in
    production, and with the toolbar installed it copies every template's context.
    """

    url = None
    quiet_answers = 2  # a first request compiles and connects, a second finds all that

    def __init__(self):
        host = settings.ALLOWED_HOSTS[0].removeprefix(".").replace("*", "localhost")
        self.requests = RequestFactory(SERVER_NAME=host)
        self.application = WSGIHandler()

    def get(self, path, **headers):
        headers = ASKED | headers
        environ = self.requests.get(path, secure=settings.HTTPS, headers=headers).environ
        said = {}

        def start_response(status, headers):
            said["status"] = int(status[:3])
            said["headers"] = headers

        started = perf_counter()
        response = self.application(environ, start_response)
        body = whole(response) if response.streaming else b"".join(response)
        outside_ms = (perf_counter() - started) * 1000
        response.close()
        return Answer.read(said["status"], said["headers"], body, outside_ms)

    def settled(self):
        """What is there now is never garbage: gunicorn.conf.py does the same in each worker."""
        gc.collect()
        gc.freeze()


def whole(stream):
    """The body of a stream, put together on disk: what we hold is not to count as its memory."""
    with TemporaryFile() as kept:
        for chunk in stream:
            kept.write(chunk)
        kept.seek(0)
        return kept.read()


class OverHTTP:
    """A running lab at a URL. Raises NoLab when it does not answer."""

    quiet_answers = 8  # after so many in a row each worker has probably answered

    def __init__(self, url, own=False):
        self.url, self.connect = checked(url, own)

    def get(self, path, **headers):
        # A connection for each request: one that is kept would tie every run to one worker, and
        # sync workers close it anyhow. That costs the figures nothing: the lab's clock is not on.
        started = perf_counter()
        connection = self.connect()
        try:
            connection.request("GET", path, headers=ASKED | headers | {"Connection": "close"})
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise NoLab(f"no lab answers at {self.url} ({' '.join(reason.split())})") from error
        finally:
            connection.close()
        outside_ms = (perf_counter() - started) * 1000
        return Answer.read(response.status, response.getheaders(), body, outside_ms)

    def settled(self):
        """Nothing to do: its workers settled when they started."""


def checked(url, own):
    """The base address without a last slash, and a function that makes a connection to it.

    Raises NoLab if it is no such address, or not on this machine and not the user's `own`.
    """
    base = url.strip().rstrip("/")
    try:
        parts = urlsplit(base)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
        plain = f"{parts.scheme}://{parts.netloc}" == base and "@" not in base
    except ValueError:
        plain = False
    if not plain or parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise NoLab(f"--url must look like http://127.0.0.1:8000, not {url[:60]!r}")
    if not own and not is_loopback(parts.hostname):
        raise NoLab(
            f"{base} is not on this machine, and measuring puts load on a site: if that one is "
            "yours, say --i-own-this-host"
        )
    kind = HTTPConnection if parts.scheme == "http" else HTTPSConnection
    return base, lambda: kind(parts.hostname, port, timeout=TIMEOUT_S)


@contextmanager
def in_process():
    """An InProcess that leaves the process as it found it, and logs defects alone.

    A page that is refused is told to whoever asked, so Django's log need not repeat it.
    """

    def with_traceback(record):
        return bool(record.exc_info)

    log = logging.getLogger("django.request")
    log.addFilter(with_traceback)
    try:
        yield InProcess()
    finally:
        log.removeFilter(with_traceback)
        gc.unfreeze()
