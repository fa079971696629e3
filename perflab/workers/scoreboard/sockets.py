"""What the kernel knows of visitors whom no worker has served yet (TCP_INFO, on Linux alone)."""

import socket
from struct import Struct
from struct import error as StructError

TCP_INFO = getattr(socket, "TCP_INFO", None)
LAST_DATA_RECV = Struct("=52xI")  # ms since the other side's last data came
UNACKED = Struct("=24xI")  # of a listening socket: connections that no worker has accepted

_listening = []


def set_listening_sockets(sockets):
    """Remember the sockets at which this worker's Gunicorn listens.

    gunicorn.conf.py calls this in each worker. Under another server there are no such sockets.
    """
    _listening[:] = sockets


def count_waiting_connections():
    """Return how many connections no worker has accepted yet; None where that is not known."""
    if not _listening or TCP_INFO is None:
        return None
    try:
        infos = [one.getsockopt(socket.IPPROTO_TCP, TCP_INFO, UNACKED.size) for one in _listening]
    except OSError:  # a Unix socket
        return None
    return sum(UNACKED.unpack(info)[0] for info in infos)


def queue_time_ns(request):
    """Return how long one of Gunicorn's requests has queued: since its last data reached us.

    The kernel knows this to some milliseconds. Return 0 where the kernel does not tell, and under
    ASGI, where a request is taken at once.
    """
    try:
        connection = request.unreader.sock
        info = connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, LAST_DATA_RECV.size)
        return LAST_DATA_RECV.unpack(info)[0] * 1_000_000
    except (AttributeError, OSError, TypeError, StructError):  # a Unix socket, macOS
        return 0
