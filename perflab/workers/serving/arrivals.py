"""What has arrived of a request, and what is missing. Nothing here waits."""

import contextlib
import re
import resource
import socket
import struct

HEAD_S = 5  # for the head of a request, from its connection's first moment on
BODY_S = 10  # for its body, from the end of the head on
GOODBYE_S = 0.01  # for a client to close its side after the answer, while the worker waits
LINGER_S = 2  # and beside the work
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[0]  # that a process may open; 256 on macOS
MOST_WAITING = min(400, FILES // 3) if FILES > 0 else 400  # connections beside the work, a worker

PIECE = 16_384  # bytes to read at once
LARGE_HEAD = 65_536  # Gunicorn is asked about a head that is longer; it refuses most
LARGE_BODY = 65_536  # a worker waits for what is longer, and reads it piece by piece

ANSWER_S = 10  # a client has so long to take one piece of an answer

END = b"\r\n\r\n"
WITHOUT_BODY = (b"GET ", b"HEAD")
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:", re.IGNORECASE)  # 100-continue: the client waits for us

LATE = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 36\r\n\r\nThe request did not arrive in time.\n"
)


def receive(connection):
    """Return what has come over a connection, b"" if nothing has, None if the client has left."""
    try:
        return connection.recv(PIECE, socket.MSG_DONTWAIT) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None


def missing_part(data):
    """Return "head" or "body", whatever has not arrived wholly; "" when a worker can begin.

    A head that Gunicorn will refuse is as good as a whole one, and so is one with a large body.
    """
    if data[-4:] == END and data[:4] in WITHOUT_BODY:
        return ""
    end = data.find(END)
    if end < 0:
        return "" if is_hopeless(data) else "head"
    head, body = data[: end + 2], len(data) - end - 4
    if EXPECTS.search(head) or body > LARGE_BODY:
        return ""
    if CHUNKED.search(head):
        return "" if data.endswith(END) and body else "body"
    length = LENGTH.search(head)
    if length and body < int(length[1]) <= LARGE_BODY:
        return "body"
    return ""


def is_hopeless(data):
    """Return whether no head can come of this: it is too long, or its lines end in bare LFs."""
    return (
        len(data) > LARGE_HEAD
        or (len(data) > 8192 and b"\r\n" not in data)
        or data.count(b"\n") != data.count(b"\r\n")
    )


def limit_sending(connection):
    """Have the kernel end a send over a connection that takes longer than ANSWER_S.

    Connections of TCP inherit this from their listener (on Linux), those of a unix socket do not.
    As a time-out of Python's it would cost a system call before each send.
    """
    with contextlib.suppress(OSError):
        timeval = struct.pack("@ll", ANSWER_S, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)


def say_late(connection):
    """Tell a client that its request has not arrived in time, if it listens."""
    with contextlib.suppress(OSError):
        connection.send(LATE, socket.MSG_DONTWAIT)


def say_goodbye(connection):
    """Close our side of a connection; return whether the client has left too, or is about to.

    A connection that is closed at once while bytes of the client are unread takes the end of the
    answer with it. A client that has its answer mostly closes its side within a round trip.
    """
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(GOODBYE_S)
        return not connection.recv(PIECE)
    except TimeoutError:
        return False
    except OSError:
        return True
