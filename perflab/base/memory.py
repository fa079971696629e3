"""How a process gets its memory from the system."""

import ctypes

from .processes import LIBC

M_ARENA_MAX = -8  # of glibc's mallopt


def use_one_heap() -> bool:
    """Have all threads of this process, and of its forks, share one heap; return whether they do.

    glibc makes more of them, up to eight for each core, when threads ask for memory at the same
    time. What one thread has freed is then of no use to others, and a worker with threads grows for
    long although it holds nothing more. In Python only one thread runs at a time, so that one heap
    costs no time. Other systems (musl, macOS) do without such heaps.
    """
    mallopt = getattr(LIBC, "mallopt", None)
    return mallopt is not None and mallopt(ctypes.c_int(M_ARENA_MAX), ctypes.c_int(1)) == 1
