"""The work of the two calibrated pages: one waits, the other computes.

A page waits for a database, for a cache or for somebody's API. Its worker is then taken, and the
core is free for others. A page that computes takes both.
"""

from functools import cache
from statistics import median
from time import perf_counter, sleep, thread_time

SLICE_MS = 0.25  # how long the computation goes on before it reads the clock again


def wait(ms):
    """Wait so many ms, as a page waits for an answer from elsewhere."""
    sleep(ms / 1000)


def compute(ms):
    """Compute for so many ms of this thread's CPU time, and return how many rounds that took.

    The clock ends the computation. A fixed number of rounds would not do: where cores are shared,
    the same rounds may take twice as long a second later. The clock stands still while the thread
    waits for a core, or for its turn among the threads of its worker.
    """
    rounds_per_slice = count_slice_rounds()
    started, rounds = thread_time(), 0
    while thread_time() - started < ms / 1000:
        run_rounds(rounds_per_slice)
        rounds += rounds_per_slice
    return rounds


@cache
def count_slice_rounds():
    """Return how many rounds take SLICE_MS here. Each worker measures it once, at its start."""
    trial = 2_000
    times = []
    for _ in range(9):
        started = thread_time()
        run_rounds(trial)
        times.append(thread_time() - started)
    return max(1, round(trial * SLICE_MS / 1000 / median(times)))


def run_rounds(rounds):
    """Compute so many rounds. They hold the interpreter's lock, and need no memory."""
    total = 0
    for number in range(rounds):
        total = (total * 31 + number) % 1_000_003
    return total


def measure(work, ms):
    """Call `work(ms)`, and return its result, the wall ms and this thread's CPU ms."""
    wall, cpu = perf_counter(), thread_time()
    result = work(ms)
    return result, (perf_counter() - wall) * 1000, (thread_time() - cpu) * 1000
