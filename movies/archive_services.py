"""Three services of an archive, asked over HTTP, as many pages ask services of others.

Each service really waits before it answers; its answers are synthesised. All three are one small
server on a free loopback port. It runs in a thread of the process that asks, from the first
question on, and so it ends with that process, however it ends.
"""

import functools
import json
import os
import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import parse_qs, urlsplit

from perflab.web.errors import Unavailable

SERVICES = ("vault", "format", "loan")
FORMATS = ("35 mm", "16 mm", "digital")
LOANS = ("in the house", "lent", "being restored")
MAX_WAIT_MS = 1000
TIMEOUT_S = 5

_lock = threading.Lock()
_server = None  # of this process, from its first question on


def ask(service, movies, wait):
    """Return what a service says of each film, in their order, after `wait` ms.

    Raises Unavailable.
    """
    with _errors_as_unavailable():
        return _client().post(**_request(service, movies, wait)).raise_for_status().json()


async def ask_async(service, movies, wait):
    """Return the same to an `async` view: other tasks go on while it waits."""
    httpx = _httpx()
    with _errors_as_unavailable():
        # Each call has a client of its own: a client belongs to the event loop in which it was
        # used, and under WSGI each request has another event loop.
        async with httpx.AsyncClient(**OPTIONS) as client:
            answer = await client.post(**_request(service, movies, wait))
            return answer.raise_for_status().json()


def answer_for(service, film):
    """Return what a service says of the film with this id."""
    if service == "vault":
        return f"vault {film % 7 + 1}, shelf {film % 40 + 1}"
    return FORMATS[film % 3] if service == "format" else LOANS[film % 5 % 3]


class Service(BaseHTTPRequestHandler):
    """Takes the ids of films as JSON, waits, and answers with a text for each, in their order."""

    protocol_version = "HTTP/1.1"  # keeps connections
    disable_nagle_algorithm = True  # it would hold back the body until the headers have arrived
    timeout = 60  # seconds after which an unused connection is closed

    def do_POST(self):
        url = urlsplit(self.path)
        service = url.path.strip("/")
        films = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(min(int(parse_qs(url.query)["wait"][0]), MAX_WAIT_MS) / 1000)
        body = json.dumps([answer_for(service, film) for film in films]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Write nothing: these requests do not belong in the lab's log."""


class Server(ThreadingTCPServer):
    """Answers each connection in a thread of its own."""

    daemon_threads = True  # so that they do not keep the process alive
    request_queue_size = 128  # connections that may wait at the same time


def base_url():
    """Return the URL of this process's services, and start them if need be. Raises Unavailable."""
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


def _request(service, movies, wait):
    """Return the request that asks a service, as arguments for httpx."""
    return {
        "url": f"{base_url()}/{service}?wait={wait}",
        "json": [movie.id for movie in movies],
    }


# The client reads no certificates: that takes longer than the calls, and nothing here is encrypted.
# It uses no proxy either, whatever the environment says.
OPTIONS = {
    "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    "trust_env": False,
    "timeout": TIMEOUT_S,
}


def _httpx():
    """Return the module httpx, imported only when it is needed: commands start faster without."""
    import httpx

    return httpx


@functools.cache
def _client():
    """Return the client of this process, which keeps its connections from call to call."""
    return _httpx().Client(**OPTIONS)


@contextmanager
def _errors_as_unavailable():
    """Raise Unavailable for an error on the way to a service."""
    try:
        yield
    except _httpx().HTTPError as error:
        raise Unavailable(f"A service of the lab does not answer: {error}.") from error


def _forget_services():
    """Forget server and connections in a forked child: they belong to its parent."""
    global _lock, _server
    if _server:
        _server.socket.close()
    _lock, _server = threading.Lock(), None
    _client.cache_clear()


os.register_at_fork(after_in_child=_forget_services)
