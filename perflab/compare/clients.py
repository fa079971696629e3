"""Two ways to ask a lab for a page: in this process, and over HTTP."""

import gc
import gzip
import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlencode, urlsplit
from wsgiref.util import setup_testing_defaults

import psutil
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from perflab.base.network import is_loopback
from perflab.measure.other_programs import CpuCounters, read_counters, used_cpu_s

TIMEOUT_S = 30  # Gunicorn's own: no page takes longer
FORM = "application/x-www-form-urlencoded"
REQUEST_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip"}  # sent with every request
DEFAULT_PORTS = {"http": 80, "https": 443}


class NoLab(Exception):
    """There is no lab to ask, or it has gone. The message is one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and how long it took by a clock outside the lab, in ms, to its last byte."""

    status: int
    headers: dict[str, str]  # by lower-case name
    body: bytes  # unpacked
    outside_ms: float
    wire_bytes: int  # size of the body as it was sent
    cookies: dict[str, str] = field(default_factory=dict)  # which it sets

    @classmethod
    def unpack(
        cls, status: int, headers: Iterable[tuple[str, str]], sent: bytes, outside_ms: float
    ) -> "Answer":
        """Return an Answer for a body as it was sent."""
        headers = list(headers)
        by_name = {name.lower(): value for name, value in headers}
        packed = by_name.get("content-encoding") == "gzip"
        body = gzip.decompress(sent) if packed else sent
        set_cookies = [value for name, value in headers if name.lower() == "set-cookie"]
        return cls(status, by_name, body, outside_ms, len(sent), read_cookies(set_cookies))


def read_cookies(set_cookies: Iterable[str]) -> dict[str, str]:
    """Return the cookies that `Set-Cookie` headers set, by name."""
    parts = (header.partition(";")[0].partition("=") for header in set_cookies)
    return {name.strip(): value.strip() for name, _, value in parts}


class Getter(Protocol):
    """What can be asked for a page."""

    def get(self, path: str, **headers: str) -> Answer: ...


class LabClient(Getter, Protocol):
    """What the runner asks a lab through."""

    quiet_answers: int  # ends a warm-up: so many answers in a row from workers that were known

    @property
    def url(self) -> str | None: ...  # None for the lab in this process

    @property
    def origin(self) -> str: ...

    def post(self, path: str, values: dict[str, str], **headers: str) -> Answer: ...

    def end_warm_up(self) -> None: ...

    def read_counters(self) -> CpuCounters | None: ...


class InProcess:
    """The lab's own WSGI application, with all its middleware, called in this process.

    Not Django's test client: that one keeps connections from being checked as they are in
    production, and with the toolbar installed it copies every template's context.
    """

    url: str | None = None
    quiet_answers = 2  # a first request compiles and connects, a second finds all that

    def __init__(self, application: Callable[..., Any] | None = None) -> None:
        self.application: Callable[..., Any] = application or WSGIHandler()

    @property
    def origin(self) -> str:
        """The scheme and host under which the lab believes that it is asked."""
        return f"{'https' if settings.HTTPS else 'http'}://{allowed_host()}"

    def get(self, path: str, **headers: str) -> Answer:
        """Return the answer to one request."""
        return self._call(wsgi_environ(path, REQUEST_HEADERS | headers))

    def post(self, path: str, values: dict[str, str], **headers: str) -> Answer:
        """Return the answer to one form."""
        body = urlencode(values).encode()
        form = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": FORM,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        return self._call(wsgi_environ(path, REQUEST_HEADERS | headers) | form)

    def _call(self, environ: dict[str, Any]) -> Answer:
        start: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            start["status"] = int(status[:3])
            start["headers"] = headers

        started = perf_counter()
        response = self.application(environ, start_response)
        body = read_stream(response) if response.streaming else b"".join(response)
        outside_ms = (perf_counter() - started) * 1000
        response.close()
        return Answer.unpack(start["status"], start["headers"], body, outside_ms)

    def end_warm_up(self) -> None:
        """Exempt what is there now from garbage collection, as gunicorn.conf.py does."""
        gc.collect()
        gc.freeze()

    def read_counters(self) -> CpuCounters:
        """Return the machine's CPU counters; this process is the lab and the client."""
        return read_counters([psutil.Process()])


def wsgi_environ(path: str, headers: dict[str, str]) -> dict[str, Any]:
    """Return the WSGI environ of a GET request that comes from this machine."""
    address, _, query = path.partition("?")
    environ = {
        "HTTP_HOST": allowed_host(),
        "PATH_INFO": unquote_to_bytes(address).decode("latin-1"),  # as WSGI wants it
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "https" if settings.HTTPS else "http",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    setup_testing_defaults(environ)  # fills in the rest
    return environ


def allowed_host() -> str:
    """Return a host name that ALLOWED_HOSTS allows; its first entry may be "*" or ".name"."""
    first = settings.ALLOWED_HOSTS[0]
    return "localhost" if first == "*" else first.removeprefix(".")


def read_stream(stream: Iterable[bytes]) -> bytes:
    """Return the body of a stream, put together on disk: it must not count as the page's memory."""
    with TemporaryFile() as file:
        for chunk in stream:
            file.write(chunk)
        file.seek(0)
        return file.read()


class OverHTTP:
    """A running lab at a URL. Raises NoLab when it does not answer."""

    quiet_answers = 8  # after so many in a row each worker has probably answered

    def __init__(self, url: str, own: bool = False) -> None:
        self.url, self.connect = parse_url(url, own)
        self.is_here = is_loopback(urlsplit(self.url).hostname or "")

    @property
    def origin(self) -> str:
        """The scheme and host of the lab."""
        return self.url

    def get(self, path: str, **headers: str) -> Answer:
        """Return the answer to one request."""
        return self._send("GET", path, headers)

    def post(self, path: str, values: dict[str, str], **headers: str) -> Answer:
        """Return the answer to one form."""
        return self._send("POST", path, headers | {"Content-Type": FORM}, urlencode(values))

    def _send(
        self, method: str, path: str, headers: dict[str, str], form: str | None = None
    ) -> Answer:
        # A connection for each request: one that is kept would tie every run to one worker, and
        # sync workers close it anyhow. That costs the figures nothing: the lab's clock is not on.
        started = perf_counter()
        connection = self.connect()
        try:
            sent = REQUEST_HEADERS | headers | {"Connection": "close"}
            connection.request(method, path, form, sent)
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise NoLab(f"no lab answers at {self.url} ({' '.join(reason.split())})") from error
        finally:
            connection.close()
        outside_ms = (perf_counter() - started) * 1000
        return Answer.unpack(response.status, response.getheaders(), body, outside_ms)

    def end_warm_up(self) -> None:
        """Do nothing: the lab's workers did it when they started."""

    def read_counters(self) -> CpuCounters | None:
        """Return the CPU counters of the lab's machine, by its /system.json; None if not told."""
        try:
            found = json.loads(self.get("/system.json").body)
            cpu = found["cpu"]
            own_s = cpu["lab_s"] + cpu["services_s"]
            if self.is_here:
                own_s += used_cpu_s([psutil.Process()])
            return CpuCounters(found["clock_s"], cpu["machine_s"], own_s)
        except (ValueError, KeyError, TypeError):
            return None


def parse_url(url: str, own: bool) -> tuple[str, Callable[[], HTTPConnection]]:
    """Return the base address without a last slash, and a function that connects to it.

    Raises NoLab if it is no such address, or not on this machine and not the user's `own`.
    """
    base = url.strip().rstrip("/")
    host, scheme, port, plain = "", "", None, False
    try:
        parts = urlsplit(base)
        host, scheme = parts.hostname or "", parts.scheme
        port = parts.port or DEFAULT_PORTS.get(scheme)
        plain = f"{scheme}://{parts.netloc}" == base and "@" not in base
    except ValueError:
        pass
    if not plain or scheme not in DEFAULT_PORTS or not host:
        raise NoLab(f"--url must look like http://127.0.0.1:8000, not {url[:60]!r}")
    if not own and not is_loopback(host):
        raise NoLab(
            f"{base} is not on this machine, and measuring puts load on a site: if that one is "
            "yours, say --i-own-this-host"
        )
    kind = HTTPConnection if scheme == "http" else HTTPSConnection
    return base, lambda: kind(host, port, timeout=TIMEOUT_S)


@contextmanager
def in_process() -> Iterator[InProcess]:
    """Yield an InProcess that leaves the process as it found it, and logs defects alone.

    The caller reports a page that is refused, so the logs need not repeat it.
    """

    def has_traceback(record: logging.LogRecord) -> bool:
        return bool(record.exc_info)

    logs = [logging.getLogger(name) for name in ("django.request", "perflab.database")]
    for log in logs:
        log.addFilter(has_traceback)
    try:
        yield InProcess()
    finally:
        for log in logs:
            log.removeFilter(has_traceback)
        gc.unfreeze()
