"""Count the heaps that glibc has made for a process's threads."""

import platform
import re
from pathlib import Path

HAS_GLIBC = platform.libc_ver()[0] == "glibc"
HEAP_BYTES = 64 << 20  # a heap is reserved so large, at an address that is a multiple of it
MAPPING = re.compile(r"(\w+)-(\w+) (\S+) \S+ \S+ 0\s*$")  # in memory, of no file


def count_heaps(pid):
    """Return how many heaps a process has beside its first one, on a Linux of 64 bits."""
    found = [MAPPING.match(line) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    areas = [(int(one[1], 16), int(one[2], 16), one[3]) for one in found if one]
    return sum(
        used == "rw-p" and rest == "---p" and not start % HEAP_BYTES and end == start + HEAP_BYTES
        for (start, middle, used), (begin, end, rest) in zip(areas, areas[1:], strict=False)
        if middle == begin
    )
