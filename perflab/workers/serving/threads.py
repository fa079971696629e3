"""The worker with threads: each takes a request when all of it has arrived.

Gunicorn gives a new connection to a thread at once, which waits for it. Here the worker's main
thread, which looks after the connections anyway, also reads what arrives over them.
"""

import errno
import selectors
import socket
import time
from functools import partial

from gunicorn import http
from gunicorn.workers import gthread

from . import arrivals

DRAIN_S = 0.01  # for the rest of a body that no view has read: what has arrived already


class ThreadWorker(gthread.ThreadWorker):
    """Gunicorn's threaded worker, which gives a thread a request when all of it has arrived."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.waiting = {}  # connections whose request is not whole, and answered ones
        self.plain = not self.cfg.is_ssl and self.cfg.protocol == "http"
        self.plain &= "h2" not in self.cfg.http_protocols

    def accept(self, listener):
        """Take a connection, and give it to a thread if its request is there."""
        if not self.plain:
            super().accept(listener)
            return
        try:
            client, addr = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        if listener.family == socket.AF_UNIX:
            arrivals.limit_sending(client)
        self.nr_conns += 1
        conn = gthread.TConn(self.cfg, client, addr, listener.getsockname())
        conn.parser = http.get_parser(self.cfg, client, addr)
        conn.initialized, conn.left = True, True
        self.begin(conn)

    def begin(self, conn):
        """Wait for a request on a connection: a new one, or one that has been answered before."""
        conn.answered, conn.missing = False, "head"
        conn.timeout = time.monotonic() + arrivals.HEAD_S
        self.go_on(conn)

    def go_on(self, conn, client=None):
        """Read what has come over a connection; give it to a thread if that was the rest."""
        data = arrivals.receive(conn.sock)
        if conn.answered:  # what comes after the answer is of no interest
            if data is None:
                self.drop(conn)
            return
        conn.parser.unreader.add(data or b"")
        missing = arrivals.missing_part(conn.parser.unreader.buf.getvalue())
        if not missing:
            self.forget(conn)
            self.enqueue_req(conn)
            return
        if data is None:
            self.drop(conn)
            return
        if missing != conn.missing:
            conn.missing, conn.timeout = missing, time.monotonic() + arrivals.BODY_S
        self.remember(conn)

    def remember(self, conn):
        """Let a connection wait; the oldest one goes when there are too many."""
        if conn in self.waiting:
            return
        if len(self.waiting) >= arrivals.MOST_WAITING:
            self.give_up(next(iter(self.waiting)))
        self.waiting[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.go_on, conn))

    def forget(self, conn):
        """Let a connection wait no more."""
        if conn in self.waiting:
            del self.waiting[conn]
            self.poller.unregister(conn.sock)

    def drop(self, conn):
        """Close a connection, unless that was done earlier in this round of events."""
        if conn.sock.fileno() < 0:
            return
        self.forget(conn)
        self.nr_conns -= 1
        conn.close()

    def give_up(self, conn):
        """Close a connection that has waited too long."""
        if not conn.answered and conn.parser.unreader.buf.tell():
            arrivals.say_late(conn.sock)
        self.drop(conn)

    def murder_pending(self):
        """Close the connections whose deadline is over. Gunicorn calls this once a second."""
        super().murder_pending()
        now = time.monotonic()
        latest = now + arrivals.LINGER_S
        for conn in list(self.waiting):
            if not self.alive:
                conn.timeout = min(conn.timeout, latest)
            if conn.timeout < now:
                self.give_up(conn)

    def on_client_socket_readable(self, conn, client):
        """Read the next request on a connection that was kept alive."""
        if not self.plain:
            super().on_client_socket_readable(conn, client)
            return
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.begin(conn)

    def _keepalive_after(self, conn, keepalive):
        """Return whether the connection can have another request: its body has been read."""
        return bool(keepalive) and bool(
            conn.parser.finish_body(deadline=time.monotonic() + DRAIN_S)
        )

    def handle(self, conn):
        """Answer a request, and close our side unless it is kept. A thread calls this."""
        keepalive = super().handle(conn)
        conn.left = self.plain and not keepalive and arrivals.say_goodbye(conn.sock)
        return keepalive

    def finish_request(self, conn, fs):
        """Go on with a connection when its thread is done. The main thread never waits here."""
        keepalive = not fs.cancelled() and fs.exception() is None and fs.result()
        if not self.plain or (keepalive and not conn.parser.unreader.buf.getvalue()):
            super().finish_request(conn, fs)
            return
        if not keepalive and conn.left:
            self.drop(conn)
            return
        conn.sock.setblocking(False)
        if keepalive:  # a part of the next request has been read already
            self.begin(conn)
        else:
            conn.answered, conn.timeout = True, time.monotonic() + arrivals.LINGER_S
            self.remember(conn)
