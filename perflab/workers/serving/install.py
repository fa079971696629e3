"""Put our workers in the place of Gunicorn's, whatever way they are asked for."""

import contextlib
import socket

from gunicorn import http, workers
from gunicorn.workers import gthread

from . import arrivals
from .deadlines import PatientParser

SILENCE_S = 60  # the kernel keeps a connection to itself for so long while nothing comes over it


def install():
    """Let Gunicorn's names of worker classes mean ours, also for its command line."""
    here = __package__
    workers.SUPPORTED_WORKERS |= {
        "sync": f"{here}.sync.SyncWorker",
        "gthread": f"{here}.threads.ThreadWorker",
        "gevent": f"{here}.greenlets.GeventWorker",
        "asgi": f"{here}.asynchronous.ASGIWorker",
    }
    http.RequestParser = PatientParser
    # Gunicorn looks here when "sync" comes with more than one thread.
    from .threads import ThreadWorker

    gthread.ThreadWorker = ThreadWorker


def guard(listener):
    """Have the kernel guard the connections of a listening socket, which inherit this (Linux, TCP).

    It hands over a connection only when something has come over it, and ends a send that takes too
    long.
    """
    arrivals.limit_sending(listener)
    if listener.family != socket.AF_UNIX and hasattr(socket, "TCP_DEFER_ACCEPT"):
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENCE_S)
