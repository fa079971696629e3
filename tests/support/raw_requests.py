"""Send the bytes of a request as they are, and read what comes."""

import contextlib
import re
import socket


def send(port, data, patience=0):
    """Send the bytes, read all that comes, and return it.

    The client closes its side of the connection when nothing has come for `patience` seconds. To
    nginx, and to the ASGI worker, one that has closed its side has left, and gets no answer.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience or 30) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        with contextlib.suppress(OSError):
            while patience and not is_whole(answer):
                piece = connection.recv(65536)
                if not piece:
                    return answer
                answer += piece
        if patience and is_whole(answer):
            return answer
        connection.settimeout(30)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


def is_whole(answer):
    """Return whether an answer is there with all of its body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
    if length:
        return len(body) >= int(length[1])
    return b"\r\ntransfer-encoding: chunked" in head.lower() and body.endswith(b"0\r\n\r\n")


def statuses_of(answer):
    """Return the statuses in an answer, or in several that follow each other; none of 1xx."""
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    codes = [line.split(b" ")[1] for line in lines if line.count(b" ")]
    return [int(code) for code in codes if code.isdigit() and not code.startswith(b"1")]
