"""Test how a process gets its memory from the system."""

import os
import subprocess
import sys

import pytest

from tests.support.heaps import HAS_GLIBC
from tests.support.labs import ROOT

# Each thread keeps 100 kB, which Python leaves to the C library, until all have it.
THREADS = """
import os, threading
from perflab.base import memory
print(SHARED)
got, kept = threading.Barrier(9), []
def keep():
    kept.append(bytearray(100_000))
    got.wait()
threads = [threading.Thread(target=keep) for _ in range(8)]
for thread in threads: thread.start()
got.wait()
for thread in threads: thread.join()
from tests.support.heaps import count_heaps
print(count_heaps(os.getpid()))
"""


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.skipif(not HAS_GLIBC, reason="the C library makes no heaps for threads")
@pytest.mark.parametrize(("call", "shares"), [("memory.use_one_heap()", True), ("None", False)])
def test_threads_share_one_heap_where_it_is_asked_for(call, shares):
    environment = {name: value for name, value in os.environ.items() if "MALLOC_" not in name}

    done = subprocess.run(
        [sys.executable, "-c", THREADS.replace("SHARED", call)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stderr == ""
    said, heaps = done.stdout.split()
    assert said == ("True" if shares else "None")
    assert (int(heaps) == 0) is shares
