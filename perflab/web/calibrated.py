"""Two calibrated pages for a page's work, to be put under load: one waits, one computes.

Waiting is what a page does for a database, a cache or somebody's API: the worker is taken and the
core is free. Computing takes both.
"""

from functools import cache
from statistics import median
from time import perf_counter, sleep, thread_time

SLICE_MS = 0.25  # how long the computation goes on between two looks at the clock


def wait(ms):
    """Wait, as for an answer from elsewhere."""
    sleep(ms / 1000)


def compute(ms):
    """Compute in plain Python for so many ms of this thread's CPU time; the rounds it came to.

    The clock ends it, not a number of rounds: where cores are shared, the same rounds take up to
    twice as long a second later. A thread that waits for a core, or for its turn among the threads
    of a worker, does not use up its time.
    """
    slice_rounds = rounds_in_a_slice()
    started, done = thread_time(), 0
    while thread_time() - started < ms / 1000:
        spin(slice_rounds)
        done += slice_rounds
    return done


@cache
def rounds_in_a_slice():
    """The rounds that take SLICE_MS here. Calibrated once, when a worker starts."""
    trial = 2_000
    times = []
    for _ in range(9):
        started = thread_time()
        spin(trial)
        times.append(thread_time() - started)
    return max(1, round(trial * SLICE_MS / 1000 / median(times)))


def spin(rounds):
    """The computation itself: nothing that lets go of the interpreter, no memory, no other core."""
    total = 0
    for number in range(rounds):
        total = (total * 31 + number) % 1_000_003
    return total


def timed(work, ms):
    """Do one of the two; (its result, wall ms, CPU ms of this thread)."""
    wall, cpu = perf_counter(), thread_time()
    result = work(ms)
    return result, (perf_counter() - wall) * 1000, (thread_time() - cpu) * 1000
