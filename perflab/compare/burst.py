"""Many requests at the same moment, from connections that are open before.

A browser opens at most six connections to a host. Here each request has a connection of its own,
and all are sent when all connections are open and the lab's workers have had time to take theirs.
"""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from perflab.base import files
from perflab.measure import server_timing

TIMEOUT_S = 30  # Gunicorn's own: no page takes longer
SETTLE_S = 0.1  # for the workers to take the connections
FIGURES = ("queries", "hits", "misses", "errors", "worker", "sql", "total")

Json = dict[str, Any]
Span = tuple[float, float]  # when a request was sent and when its answer was whole


@dataclass(frozen=True)
class Reply:
    """What one request of a burst brought."""

    status: int
    timing: str  # the header `Server-Timing`
    span: Span
    failure: str = ""


def send_burst(number: int, open_one: Callable[[], Callable[[], tuple[int, str]]]) -> Json:
    """Send so many requests at the same moment, and return what they brought, as JSON.

    `open_one` opens a connection and returns a function that sends the request and returns the
    status and the header `Server-Timing`. Both may raise OSError and HTTPException.
    """
    try:
        senders = [open_one() for _ in range(number)]
    except OSError as error:
        return {"failure": f"the lab does not answer ({error.strerror or error})"}
    time.sleep(SETTLE_S)
    together = threading.Barrier(number)
    replies: list[Reply] = []

    def send(sender: Callable[[], tuple[int, str]]) -> None:
        together.wait()
        sent = time.perf_counter()
        status, timing, failure = 0, "", ""
        try:
            status, timing = sender()
        except (OSError, HTTPException) as error:
            failure = f"the lab does not answer ({error or type(error).__name__})"
        replies.append(Reply(status, timing, (sent, time.perf_counter()), failure))

    threads = [threading.Thread(target=send, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum_up(replies)


def sum_up(replies: Sequence[Reply]) -> Json:
    """Return a burst as JSON: the figures of each answer, and how wide it was.

    `in_flight` is the most requests that waited for their answers at one moment. `at_work` is on
    how many the lab worked at once, on average: the sum of their times by the lab's own clock for
    each second of the burst. Without all answers there is a `failure` alone.
    """
    for reply in replies:
        if reply.failure or reply.status != 200:
            return {"failure": reply.failure or f"the lab answered {reply.status}"}
    timings = [server_timing.read(reply.timing) for reply in replies]
    if not all(timings):
        return {"failure": "the answers came without the lab's Server-Timing"}
    spans = [reply.span for reply in replies]
    seconds = max(end for _, end in spans) - min(start for start, _ in spans)
    total_s = sum(timing["total"] for timing in timings) / 1000
    return {
        "answers": [{name: timing[name] for name in FIGURES} for timing in timings],
        "in_flight": count_overlapping(spans),
        "at_work": round(total_s / seconds, 2),
    }


def count_overlapping(spans: Sequence[Span]) -> int:
    """Return how many spans have a moment in common, at most."""
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def over_http(
    connect: Callable[[], HTTPConnection], path: str, headers: dict[str, str]
) -> Callable[[], Callable[[], tuple[int, str]]]:
    """Return the `open_one` of `send_burst` for a lab that is asked over HTTP."""

    def open_one() -> Callable[[], tuple[int, str]]:
        connection = connect()
        connection.connect()

        def send() -> tuple[int, str]:
            try:
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                response.read()
                return response.status, response.headers.get("Server-Timing", "")
            finally:
                connection.close()

        return send

    return open_one


def main(host: str, port: str, number: str, site: str, path: str, result: str) -> None:
    """Send a burst to a lab on this machine, and write what it brought into a file."""
    open_one = over_http(
        lambda: HTTPConnection(host, int(port), timeout=TIMEOUT_S), path, {"Host": site}
    )
    files.write_json(Path(result), send_burst(int(number), open_one))


if __name__ == "__main__":
    main(*sys.argv[1:])
