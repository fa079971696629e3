"""A lab that stands still for a while, as in a long collection, a lock or a failing disk."""

import contextlib
import os
import signal
import threading

import psutil


class Freeze:
    """Under `with`: once `begin` is called, the workers stop after `after_s` for `for_s` seconds.

    They go on when the block ends, however it ends. With `for_s` 0 nothing happens.
    """

    def __init__(self, server, after_s, for_s):
        self.server, self.after_s, self.for_s = server, after_s, for_s
        self.over = threading.Event()
        self.thread = None

    def __enter__(self):
        return self

    def begin(self):
        """Call it when the measurement begins; again is once."""
        if self.for_s and self.thread is None:
            self.thread = threading.Thread(target=self.stop_and_go, daemon=True)
            self.thread.start()

    def stop_and_go(self):
        if self.over.wait(self.after_s):
            return
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended, which others will tell
            self.halt()

    def halt(self):
        workers = [process.pid for process in psutil.Process(self.server.process.pid).children()]
        try:
            tell(workers, signal.SIGSTOP)
            self.over.wait(self.for_s)
        finally:
            tell(workers, signal.SIGCONT)

    def __exit__(self, *_):
        self.over.set()
        if self.thread is not None:
            self.thread.join()


def tell(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # recycled meanwhile
            os.kill(pid, number)
