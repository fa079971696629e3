"""Drive every page of a lab for as long as asked, and watch what it takes up meanwhile."""

import os
import random
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from perflab.catalogue import registry
from tests.support.orders import cookie_of, order

PAUSE_S = 0.03  # of each client after each answer: the machine is to stay usable
ROWS = 20
PAGES = ["/", "/films/", "/films/?q=the&page=2", "/films/1/", "/directors/1/", "/visitor/"]
PAGES += ["/health/", "/experiments.json", "/collection.json", "/system/", "/system.json", "/load/"]
PAGES += [
    "/load/now.json",
    "/tuning/",
    "/io-bound/?ms=2",
    "/cpu-bound/?ms=2",
    "/nowhere/",
    "/docs/",
]
RESULT = "ratio=3&low=2&high=4&movies=1&round_trip=0&big=3x&small=faster"
ORDERS = {"flush/": "", "result/": RESULT}


def page_paths(caches):
    """Return the paths of all pages, those of variants with each of these caches and both looks."""
    paths = list(PAGES)
    for experiment in registry.runnable():
        start = f"/experiments/{experiment.slug}/"
        paths += [start, f"{start}?guess=skip", f"{start}rows.json?movies={ROWS}"]
        for variant in experiment.variants:
            page = f"{start}{variant.name}/?movies={ROWS}"
            knobs = [f"&cache={cache}{c}" for cache in caches for c in ("", "&cold={token}")]
            paths += [page + one for one in (knobs if experiment.caches else [""])]
            # Not trace=memory: tracemalloc of Python 3.11 keeps some 50 kB each time that it has
            # counted, as docs/what-is-measured.md says, and nothing else would be seen beside it.
            paths += [f"{page}&trace=1", f"{page}&inspect=1"]
    return paths


@dataclass(frozen=True)
class Sample:
    """What the lab took up at a moment: minutes from the start, MB and files of each worker."""

    minutes: float
    memory_mb: dict  # by pid; what no other process shares
    files: dict  # by pid
    var_mb: float

    def line(self):
        """Return this as a line of text."""
        workers = " ".join(
            f"{pid}: {mb:.1f} MB, {self.files[pid]} files;" for pid, mb in self.memory_mb.items()
        )
        return f"{self.minutes:6.1f} min  {workers} var/ {self.var_mb:.2f} MB"


def take_sample(lab, started):
    """Look at a lab's workers and at its var/, without the log that a test keeps there."""
    workers = [psutil.Process(pid) for pid in lab.worker_pids()]
    return Sample(
        (time.monotonic() - started) / 60,
        {one.pid: one.memory_full_info().uss / 1e6 for one in workers},
        {one.pid: one.num_fds() for one in workers},
        (size_of_folder(lab.var) - size_of(lab.log)) / 1e6,
    )


def size_of_folder(folder):
    """Return the bytes of all files below a folder, from which others delete some meanwhile."""
    return sum(size_of(Path(top, name)) for top, _, names in os.walk(folder) for name in names)


def size_of(path):
    """Return the bytes of a file; 0 for one that has just been deleted."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


# How much a figure may rise from the third quarter of a soak to the fourth: a share, or so much.
ALLOWED = {"memory_mb": (0.03, 2.5), "files": (0, 4), "var_mb": (0.03, 0.5)}


def find_growth(samples):
    """Return what is not flat, a line for each figure: the second half of a soak is looked at.

    In the first one caches fill, and what is kept reaches its limit.
    """
    half = samples[len(samples) // 2 :]
    third, fourth = half[: len(half) // 2], half[len(half) // 2 :]
    found = []
    if len({tuple(one.memory_mb) for one in samples}) > 1:
        found.append("a worker ended")
    for figure, (share, least) in ALLOWED.items():
        before, after = median_sum(third, figure), median_sum(fourth, figure)
        if after - before > max(share * before, least):
            found.append(f"{figure} rose from {before:.1f} to {after:.1f}")
    return found


def median_sum(samples, figure):
    """Return the median of a figure in these samples, summed over the workers."""
    values = [getattr(one, figure) for one in samples]
    return median(sum(one.values()) if isinstance(one, dict) else one for one in values)


class Soak:
    """Two clients that ask for all pages in any order until `stop`; `statuses` counts answers."""

    def __init__(self, lab, caches, seed=1):
        self.lab, self.paths = lab, page_paths(caches)
        self.statuses, self.broken = Counter(), []
        self.over = threading.Event()
        self.cookie = cookie_of(lab)
        self.clients = [
            threading.Thread(target=self.visit, args=(random.Random(seed + n),)) for n in range(2)
        ]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        for client in self.clients:
            client.join()

    def visit(self, dice):
        while not self.over.is_set():
            for path in dice.sample(self.paths, len(self.paths)):
                if self.over.wait(PAUSE_S):
                    return
                answer = self.lab.get(path.format(token=f"t{dice.randrange(10**9)}"), timeout=60)
                self.count(path, answer)
                self.follow(answer)
            slug = dice.choice(registry.runnable()).slug
            for address, form in ORDERS.items():
                path = f"/experiments/{slug}/{address}"
                self.count(path, order(self.lab, path, form, self.cookie))

    def count(self, path, answer):
        self.statuses[answer.status] += 1
        # SQLite refuses a transaction that would write what another one has changed.
        if answer.status >= 500 and "Somebody else holds a lock" not in answer.text:
            self.broken.append((answer.status, path, answer.text[-300:]))

    def follow(self, answer):
        """Ask for the trace that an answer names, or for a panel of its toolbar."""
        if trace := answer.headers.get("X-Perflab-Trace"):
            self.count("trace", self.lab.get(f"/traces/{trace}.json"))
        if kept := re.search(r'data-request-id="([0-9a-f]+)"', answer.text):
            asked = f"request_id={kept[1]}&panel_id=SQLPanel"
            self.count("panel", self.lab.get(f"/__debug__/render_panel/?{asked}"))
