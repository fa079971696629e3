"""Ask a lab for pages all the time, from several threads, and keep what came."""

import http.client
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Visit:
    """One request of the load: when it began and ended (monotonic), and what came."""

    path: str
    began: float
    ended: float
    status: int | None  # None: no answer at all
    timing: dict
    refusal: str  # the page, where the status is another one than 200

    @property
    def seconds(self):
        """How long the client waited."""
        return self.ended - self.began


@contextmanager
def load(lab, paths, clients=3):
    """Request these paths in turn from several threads while the block runs; yield the visits."""
    visits = []
    over = threading.Event()

    def visit():
        while not over.is_set():
            for path in paths:
                began = time.monotonic()
                try:
                    answer = lab.get(path, timeout=60)
                    status, timing, text = answer.status, answer.timing, answer.text
                except (OSError, http.client.HTTPException):
                    status, timing, text = None, {}, ""
                refusal = "" if status == 200 else text
                visits.append(Visit(path, began, time.monotonic(), status, timing, refusal))
                over.wait(0.01)  # it is not the machine that is to be broken

    threads = [threading.Thread(target=visit) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield visits
    finally:
        over.set()
        for thread in threads:
            thread.join()
