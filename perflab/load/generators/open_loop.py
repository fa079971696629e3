"""Requests on a schedule: each is sent when its time has come, whoever else still waits.

Users who wait for an answer before they ask again spare a lab that stands still: it is asked less,
and the requests that would have waited are never made (coordinated omission). Here they are made,
and latency counts from the moment at which each was due. This file is a program too, run as a
process of its own: it imports nothing of ours, so that it can keep its time.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from urllib.parse import urlsplit

LATE_MS = 10  # after its time from which a request counts as late
PATIENCE_S = 10  # for answers that are still to come when the last request is out
CONNECTIONS = 1000  # at once; what is due beyond them waits in the generator, and is late
RANKS = (50, 95, 99)


def load(path, server, per_s, seconds):
    """Yield (last, figures) twice a second as requests for `path` go to the lab.

    Raises LoadRefused when the process ends before its time.
    """
    # Imported here: the process does without.
    from perflab.base import paths
    from perflab.base.logs import last_lines, open_log
    from perflab.base.processes import end, spawn

    from ..plan import LoadRefused

    command = [sys.executable, __file__, server.url + path, f"{per_s}", f"{seconds}"]
    with open_log(paths.var_folder(), "load-open.log") as log:
        begun = log.tell()
        process = spawn(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            for line in process.stdout:
                found = json.loads(line)
                yield found.pop("last"), found
                if "p95_ms" in found:
                    return
            raise LoadRefused(f"the open loop has ended: {last_lines(log.name, begun, lines=1)}")
        finally:
            end(process, 1)
            process.stdout.close()


class Schedule:
    """Requests at equal distances; times in seconds by the clock of the loop."""

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
        self.room = asyncio.Semaphore(room())
        self.waiting = {}  # when those were due that have no answer yet, by their numbers
        self.answered = []  # (when due, latency, when it came)
        self.failures = self.late = 0
        self.held_back = 0  # due, and without a connection to be sent on
        self.latest = 0.0

    async def run(self):
        self.began = time.perf_counter()
        told = asyncio.create_task(self.tell_again_and_again())
        asked = set()
        for number in range(self.count):
            due = self.began + number / self.per_s
            # Even what is late gives way: the answers have to be read too.
            await asyncio.sleep(max(0, due - time.perf_counter()))
            self.waiting[number] = due
            task = asyncio.create_task(self.ask(number, due))
            asked.add(task)
            task.add_done_callback(asked.discard)
        await asyncio.sleep(max(0, self.began + self.seconds - time.perf_counter()))
        if asked:
            await asyncio.wait(set(asked), timeout=PATIENCE_S)
        told.cancel()
        say(last=True, **self.figures())

    async def ask(self, number, due):
        self.held_back += 1
        try:
            async with self.room:
                self.held_back -= 1
                behind = time.perf_counter() - due
                self.late += 1000 * behind > LATE_MS
                self.latest = max(self.latest, behind)
                whole = await self.fetch()
        except (OSError, ValueError):
            whole = False
        now = time.perf_counter()
        del self.waiting[number]
        self.failures += not whole
        self.answered.append((due, now - due, now))

    async def fetch(self):
        """Whether the answer is a 200 that came to its end."""
        reader, writer = await asyncio.open_connection(*self.address, ssl=self.secure or None)
        try:
            writer.write(self.request)
            answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *headers = head.split(b"\r\n")
        lengths = [h[15:] for h in headers if h.lower().startswith(b"content-length:")]
        return status.split()[1:2] == [b"200"] and all(int(n) == len(body) for n in lengths)

    async def tell_again_and_again(self):
        while True:
            now = time.perf_counter()
            say(last=False, seconds=now - self.began, answered=len(self.answered))
            await asyncio.sleep(0.5)

    def figures(self):
        """What docs/do-more.md calls a point's `open`. Times in ms."""
        return summary(
            self.answered,
            [(due, time.perf_counter() - due) for due in self.waiting.values()],
            per_s=self.per_s,
            began=self.began,
            seconds=self.seconds,
        ) | {
            "failures": self.failures + len(self.waiting),
            "late": self.late + self.held_back,
            "latest_ms": 1000 * self.latest,
        }


def summary(answered, unanswered, per_s, began, seconds):
    """Figures of (due, latency, came) and of (due, waited so far); those in seconds, these in ms.

    A request without an answer took at least as long as it was waited for: leaving it out would
    leave out the slowest. `growing` says that the queue did so until the end.
    """
    times = sorted([took for _, took, _ in answered] + [waited for _, waited in unanswered])
    by_due = [took for _, took in sorted([a[:2] for a in answered] + list(unanswered))]
    third = max(1, len(by_due) // 3)
    first, last = (sorted(part)[len(part) // 2] for part in (by_due[:third], by_due[-third:]))
    in_time = sum(came <= began + seconds for _, _, came in answered)
    return {
        "per_s": per_s,
        "seconds": seconds,
        "requests": len(times),
        "unanswered": len(unanswered),
        "answered_per_s": in_time / seconds,
        "growing": in_time < 0.9 * len(times) and last > first,
        **{f"p{rank}_ms": 1000 * times[-(-rank * len(times) // 100) - 1] for rank in RANKS},
        "max_ms": 1000 * times[-1],
    }


def room():
    """How many connections we may have open; each is a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 50
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(CONNECTIONS, soft - 50))


def say(**record):
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    asyncio.run(Schedule(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])).run())
