"""The sync worker: one request at a time, and beside it connections that wait for theirs."""

import contextlib
import errno
import os
import selectors
import socket
import time

from gunicorn import http
from gunicorn.workers import sync

from . import arrivals
from .alarm import Alarmed


class Waiting:
    """A connection beside the work: its request has not arrived wholly, or it is answered."""

    __slots__ = ("addr", "answered", "client", "data", "deadline", "listener", "missing")

    def __init__(self, listener, client, addr):
        self.listener, self.client, self.addr = listener, client, addr
        self.data, self.answered, self.missing = b"", False, "head"
        self.deadline = time.monotonic() + arrivals.HEAD_S


class SyncWorker(Alarmed, sync.SyncWorker):
    """Gunicorn's sync worker, which takes a request when all of it has arrived."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.plain = not self.cfg.is_ssl and self.cfg.protocol == "http"
        self.waiting = {}  # by file descriptor, the oldest first
        self.selector = None

    def run(self):
        """Serve until the end; then give those who wait a moment more."""
        super().run()
        # The listeners and the pipe may be ready, and nobody reads them any more.
        for other in self.wait_fds if self.selector else ():
            with contextlib.suppress(KeyError, ValueError, OSError):
                self.selector.unregister(other)
        until = time.monotonic() + arrivals.LINGER_S
        while self.waiting and time.monotonic() < until:
            self.notify()
            self.look_after(0.1)

    def handle_request(self, listener, req, client, addr):
        """Answer a request; its page ends before Gunicorn kills the worker for it."""
        self.notify()  # the time-out counts from here: others may have been served just before
        self.set_alarm()
        try:
            super().handle_request(listener, req, client, addr)
        finally:
            self.stop_alarm()

    def accept(self, listener):
        """Take a connection, and serve it if its request is there."""
        if self.waiting:
            self.look_after(0)
        client, addr = listener.accept()
        if listener.family == socket.AF_UNIX:
            arrivals.limit_sending(client)
        if not self.plain:
            client.setblocking(1)
            super().handle(listener, client, addr)
            return
        data = arrivals.receive(client)
        if data is None:
            client.close()
        elif arrivals.missing_part(data):
            self.keep_waiting(Waiting(listener, client, addr), data)
        else:
            self.handle(listener, client, addr, data)

    def wait(self, timeout):
        """Wait until a listener has a connection, and look after those who wait meanwhile."""
        if not self.waiting:
            return super().wait(timeout)
        self.notify()
        return self.look_after(min(timeout, 1))

    def look_after(self, timeout):
        """Go on with the connections that wait; return what else is ready."""
        others = []
        for key, _ in self.selector.select(timeout):
            if isinstance(key.data, Waiting):
                self.go_on(key.data)
            else:
                others.append(key.fileobj)
        if self.PIPE[0] in others:
            os.read(self.PIPE[0], 1)
        now = time.monotonic()
        for one in [one for one in self.waiting.values() if one.deadline < now]:
            self.give_up(one)
        return others

    def go_on(self, one):
        """Read what has come over a connection that waits, and serve it if that was the rest."""
        data = arrivals.receive(one.client)
        if data is None:
            self.forget(one).close()
        elif not one.answered:  # what comes after the answer is of no interest
            self.keep_waiting(one, data)

    def keep_waiting(self, one, data):
        """Add what has arrived; serve the request if it is whole, else let it wait."""
        one.data += data
        missing = arrivals.missing_part(one.data)
        if not missing:
            self.handle(one.listener, self.forget(one), one.addr, one.data)
            return
        if missing != one.missing:
            one.missing, one.deadline = missing, time.monotonic() + arrivals.BODY_S
        self.remember(one)

    def remember(self, one):
        """Let a connection wait; the oldest one goes when there are too many."""
        number = one.client.fileno()
        if number in self.waiting:
            return
        if self.selector is None:
            self.selector = selectors.DefaultSelector()
            for other in self.wait_fds:
                self.selector.register(other, selectors.EVENT_READ)
        if len(self.waiting) >= arrivals.MOST_WAITING:
            self.give_up(next(iter(self.waiting.values())))
        self.waiting[number] = one
        self.selector.register(one.client, selectors.EVENT_READ, one)

    def forget(self, one):
        """Let a connection wait no more, and return it."""
        if self.waiting.pop(one.client.fileno(), None):
            self.selector.unregister(one.client)
        return one.client

    def give_up(self, one):
        """Close a connection that has waited too long."""
        client = self.forget(one)
        if one.data and not one.answered:
            arrivals.say_late(client)
        client.close()

    def handle(self, listener, client, addr, received=b""):
        """Answer the request whose bytes have been received. Gunicorn's own, but for the end."""
        req = None
        try:
            client.setblocking(1)
            parser = http.get_parser(self.cfg, client, addr)
            parser.unreader.add(received)
            req = next(parser)
            self.handle_request(listener, req, client, addr)
        except (http.errors.NoMoreData, StopIteration) as error:
            self.log.debug("Closing connection. %s", error)
        except (BlockingIOError, TimeoutError):  # BlockingIOError: serving.guard
            self.log.info("A client did not take its answer in time, or send its body.")
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
                self.log.exception("Socket error processing request.")
        except BaseException as error:
            self.handle_error(req, client, addr, error)
        finally:
            self.say_goodbye(listener, client, addr)

    def say_goodbye(self, listener, client, addr):
        """Close our side, and let the client close its own while others are served."""
        if arrivals.say_goodbye(client):
            client.close()
            return
        one = Waiting(listener, client, addr)
        one.answered, one.deadline = True, time.monotonic() + arrivals.LINGER_S
        self.remember(one)
