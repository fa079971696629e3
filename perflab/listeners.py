"""The sockets at which this worker's Gunicorn listens, and who queues there.

gunicorn.conf.py fills in the sockets, in each worker. Under another server there are none.
"""

import socket
import struct

listening: list[socket.socket] = []

TCP_INFO = getattr(socket, "TCP_INFO", None)
UNACKED = struct.Struct("=24xI")  # for a socket that listens: connections that nobody accepted yet


def queue() -> int | None:
    """The connections that no worker has accepted yet; None where the system does not tell."""
    if not listening or TCP_INFO is None:
        return None
    try:
        told = [one.getsockopt(socket.IPPROTO_TCP, TCP_INFO, UNACKED.size) for one in listening]
    except OSError:  # a Unix socket
        return None
    return sum(UNACKED.unpack(info)[0] for info in told)
