"""Gunicorn's workers, made so that no client can hold one by saying nothing or half of something.

Gunicorn gives a connection to a worker, or to a thread of it, before its request has arrived. Two
connections that send half a head then stop two sync workers. Here a worker takes a request when all
of it has arrived: until then the connection waits beside the work, and ends at its deadline.

    from perflab.workers import serving
    serving.install()  # in gunicorn.conf.py: "sync", "gthread" and "asgi" mean these from here on

`arrivals` says what has arrived and what is missing, `deadlines` bounds what a worker does wait
for, and `sync`, `threads` and `asynchronous` are the worker classes. gevent needs only the
deadlines: a greenlet that waits holds nobody up.
"""

from .install import guard, install

__all__ = ["guard", "install"]
