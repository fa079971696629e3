"""Whether a request overlaps an inspected one of the same process.

The toolbar's patches are in place for all threads of a process, so a request that is served while
another one is inspected is no measurement.
"""

running = 0  # number of inspected requests that this process serves now
begun = 0  # number of those that it has begun to serve so far


def begin() -> None:
    """Count an inspected request that begins. Its caller holds a lock over begin() and end()."""
    global running, begun
    running += 1
    begun += 1


def end() -> None:
    """Count an inspected request that has ended."""
    global running
    running -= 1


def take_mark() -> int:
    """Return a mark of this moment, by which `overlaps` tells what has been inspected since."""
    mark = begun  # read first: a request that begins now then differs from it, or is running
    return -1 if running else mark


def overlaps(mark: int) -> bool:
    """Return whether a request was inspected at the time of the mark, or has been since."""
    return mark != begun
