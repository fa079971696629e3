"""An archive's three services, asked over HTTP: a calibrated page for the services of others that
many a page needs. Each really waits before it answers; what it says is synthesised.

They are one small server on a free loopback port, in a thread of the process that asks, started
when it asks first. So they end with that process, however it ends.
"""

import functools
import json
import os
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import parse_qs, urlsplit

from perflab.web.errors import Unavailable

SERVICES = ("vault", "format", "loan")
FORMATS = ("35 mm", "16 mm", "digital")
LOANS = ("in the house", "lent", "being restored")
LONGEST_WAIT_MS = 1000
TIMEOUT_S = 5

_lock = threading.Lock()
_server = None  # of this process, once it has asked


def ask(service, movies, wait):
    """What a service says of each film, in their order, after so many ms. Raises Unavailable."""
    with _told_plainly():
        return _client().post(**_question(service, movies, wait)).raise_for_status().json()


async def ask_async(service, movies, wait):
    """The same for a view that is `async`: it lets others go on while it waits."""
    httpx = _httpx()
    with _told_plainly():
        # A client of its own: one that is kept belongs to the event loop in which it was used, and
        # under WSGI each request has another.
        async with httpx.AsyncClient(**OPTIONS) as client:
            answer = await client.post(**_question(service, movies, wait))
            return answer.raise_for_status().json()


def said(service, film):
    """What a service says of the film of that id."""
    if service == "vault":
        return f"vault {film % 7 + 1}, shelf {film % 40 + 1}"
    return FORMATS[film % 3] if service == "format" else LOANS[film % 5 % 3]


class Service(BaseHTTPRequestHandler):
    """Takes films' ids as JSON, waits, and tells what there is to say of each, in their order."""

    protocol_version = "HTTP/1.1"  # keeps connections
    disable_nagle_algorithm = True  # it would hold the body back until the headers have arrived
    timeout = 60  # s, after which a connection that nobody uses is closed

    def do_POST(self):
        url = urlsplit(self.path)
        service = url.path.strip("/")
        films = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(min(int(parse_qs(url.query)["wait"][0]), LONGEST_WAIT_MS) / 1000)
        body = json.dumps([said(service, film) for film in films]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Nothing: the lab's log is the lab's."""


class Server(ThreadingTCPServer):
    """Answers each connection in a thread of its own."""

    daemon_threads = True  # they do not keep the process
    request_queue_size = 128  # callers who come at once


def address():
    """Where the services of this process are; they are started if need be. Raises Unavailable."""
    global _server
    with _lock:
        if _server is None:
            try:
                server = Server(("127.0.0.1", 0), Service)
                threading.Thread(target=server.serve_forever, daemon=True).start()
            except (OSError, RuntimeError) as error:
                raise Unavailable(f"The lab's own services cannot start: {error}.") from error
            _server = server
    return f"http://127.0.0.1:{_server.server_address[1]}"


def _question(service, movies, wait):
    return {
        "url": f"{address()}/{service}?wait={wait}",
        "json": [movie.id for movie in movies],
    }


# No certificates: reading them takes longer than the calls, and nothing here is encrypted. No proxy
# either, whatever the environment says.
OPTIONS = {
    "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    "trust_env": False,
    "timeout": TIMEOUT_S,
}


def _httpx():
    """The HTTP client, imported when it is needed: no command has to wait for it."""
    import httpx

    return httpx


@functools.cache
def _client():
    """The client of this process, whose connections are kept from call to call."""
    return _httpx().Client(**OPTIONS)


class _told_plainly:
    """What goes wrong on the way to a service, as Unavailable."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, _httpx().HTTPError):
            raise Unavailable(f"A service of the lab does not answer: {error}.") from error


def _forget():
    """In a forked child: the services and connections are its parent's."""
    global _lock, _server
    if _server:
        _server.socket.close()
    _lock, _server = threading.Lock(), None
    _client.cache_clear()


os.register_at_fork(after_in_child=_forget)
