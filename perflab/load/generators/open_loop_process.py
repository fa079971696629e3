"""A program that sends requests on a schedule, whether or not earlier ones were answered.

Users who wait for an answer before they ask again send fewer requests to a lab that stands still,
and the requests that would have waited are never sent (coordinated omission). Here they are sent,
and latency counts from the moment at which each was due. The program imports nothing of the lab's,
so that it can keep its time.
"""

import asyncio
import json
import resource
import sys
import time
from urllib.parse import urlsplit

LATE_MS = 10  # a request that is sent so long after its time counts as late
PATIENCE_S = 10  # time for the answers that are missing when the last request is out
CONNECTIONS = 1000  # open at once; a request beyond them waits in the generator, and is late
PERCENTILES = (50, 95, 99)


class Schedule:
    """Requests at equal distances in time; times are in seconds, by time.perf_counter."""

    def __init__(self, url, per_s, seconds):
        parts = urlsplit(url)
        self.secure = parts.scheme == "https"
        self.address = parts.hostname, parts.port or (443 if self.secure else 80)
        self.request = (
            f"GET {parts.path}{'?' if parts.query else ''}{parts.query} HTTP/1.1\r\n"
            f"Host: {parts.netloc}\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
            "Connection: close\r\n\r\n"
        ).encode()
        self.per_s, self.seconds = per_s, seconds
        self.count = max(1, int(per_s * seconds))
        self.connections = asyncio.Semaphore(allowed_connections())
        self.waiting = {}  # number of a request without an answer yet: when it was due
        self.answered = []  # (when due, latency, when the answer came)
        self.failures = self.late = 0
        self.held_back = 0  # requests that are due and wait for a free connection
        self.latest = 0.0

    async def run(self):
        """Send all requests, wait for their answers, and write the figures."""
        self.started = time.perf_counter()
        progress = asyncio.create_task(self.write_progress())
        sent = set()
        for number in range(self.count):
            due = self.started + number / self.per_s
            # A late request waits for 0 s, so that answers can be read meanwhile.
            await asyncio.sleep(max(0, due - time.perf_counter()))
            self.waiting[number] = due
            task = asyncio.create_task(self.send(number, due))
            sent.add(task)
            task.add_done_callback(sent.discard)
        await asyncio.sleep(max(0, self.started + self.seconds - time.perf_counter()))
        if sent:
            await asyncio.wait(set(sent), timeout=PATIENCE_S)
        progress.cancel()
        write_line(last=True, **self.figures())

    async def send(self, number, due):
        """Send one request, and note its latency and whether it failed."""
        self.held_back += 1
        try:
            async with self.connections:
                self.held_back -= 1
                behind = time.perf_counter() - due
                self.late += 1000 * behind > LATE_MS
                self.latest = max(self.latest, behind)
                is_whole = await self.fetch()
        except (OSError, ValueError):
            is_whole = False
        now = time.perf_counter()
        del self.waiting[number]
        self.failures += not is_whole
        self.answered.append((due, now - due, now))

    async def fetch(self):
        """Send the request; return whether the answer is a 200 that came to its end."""
        reader, writer = await asyncio.open_connection(*self.address, ssl=self.secure or None)
        try:
            writer.write(self.request)
            answer = await reader.read()
        finally:
            writer.close()
        return is_whole(answer)

    async def write_progress(self):
        """Write a line twice a second."""
        while True:
            now = time.perf_counter()
            write_line(last=False, seconds=now - self.started, answered=len(self.answered))
            await asyncio.sleep(0.5)

    def figures(self):
        """Return what docs/do-more.md calls a point's `open`; times are in ms."""
        return summary(
            self.answered,
            [(due, time.perf_counter() - due) for due in self.waiting.values()],
            per_s=self.per_s,
            started=self.started,
            seconds=self.seconds,
        ) | {
            "failures": self.failures + len(self.waiting),
            "late": self.late + self.held_back,
            "latest_ms": 1000 * self.latest,
        }


def is_whole(answer):
    """Return whether the bytes of a connection are a 200 that came to its end.

    Raises ValueError where a length is no number. An answer with neither length nor chunks ends
    with its connection: whether it is whole cannot be told.
    """
    head, end, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    if not end or status.split()[1:2] != [b"200"]:
        return False
    headers = [(name.lower(), value) for name, _, value in (line.partition(b":") for line in lines)]
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if any(b"chunked" in coding for coding in codings):
        return has_last_chunk(body)
    return all(int(value) == len(body) for name, value in headers if name == b"content-length")


def has_last_chunk(body):
    """Return whether a chunked body came to its end, that of its trailer. Raises ValueError."""
    begin = 0
    while (line_end := body.find(b"\r\n", begin)) >= 0:
        size = int(body[begin:line_end].partition(b";")[0], 16)
        begin = line_end + 2
        if size == 0:
            trailer = body[begin:]
            return trailer == b"\r\n" or trailer.endswith(b"\r\n\r\n")
        begin += size
        if size < 0 or body[begin : begin + 2] != b"\r\n":
            return False
        begin += 2
    return False


def summary(answered, unanswered, per_s, started, seconds):
    """Return the figures, in ms, of the requests in (due, latency, came) and (due, waited so far).

    A request without an answer took at least as long as it has waited: without it the slowest would
    be missing. `growing` says whether the queue grew until the end.
    """
    times = sorted([took for _, took, _ in answered] + [waited for _, waited in unanswered])
    by_due = [took for _, took in sorted([a[:2] for a in answered] + list(unanswered))]
    third = max(1, len(by_due) // 3)
    first, last = (sorted(part)[len(part) // 2] for part in (by_due[:third], by_due[-third:]))
    in_time = sum(came <= started + seconds for _, _, came in answered)
    return {
        "per_s": per_s,
        "seconds": seconds,
        "requests": len(times),
        "unanswered": len(unanswered),
        "answered_per_s": in_time / seconds,
        "growing": in_time < 0.9 * len(times) and last > first,
        **{f"p{rank}_ms": 1000 * times[-(-rank * len(times) // 100) - 1] for rank in PERCENTILES},
        "max_ms": 1000 * times[-1],
    }


def allowed_connections():
    """Return how many connections this process may have open; each is a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = CONNECTIONS + 50
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(CONNECTIONS, soft - 50))


def write_line(**record):
    """Write a record as a line of JSON, at once."""
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    asyncio.run(Schedule(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])).run())
