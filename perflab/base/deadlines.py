"""What ends a page that takes too long, before its worker is killed for it."""

import ctypes
import threading
import time
from types import TracebackType

from .processes import runs_greenlets

LOOK_EVERY_S = 0.25

_deadlines: dict[int, float] = {}  # by perf_counter(), of the pages under way, by their thread
_lock = threading.Lock()  # held while pages are ended
_watcher: threading.Thread | None = None


class OutOfTime(Exception):
    """The deadline of a page is over. The middleware answers with a 503 page."""


class page_of:
    """Raise OutOfTime in the block, which makes a page, when it takes longer than so many seconds.

    This is for workers with threads, also those of ASGI: nothing else ends a page there that only
    computes. In a main thread, and under gevent, a signal does it (perflab/workers/serving/). No
    code of Python runs while a library computes or waits: the page ends after that.
    """

    __slots__ = ("seconds", "thread")

    thread: int

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        self.thread = threading.get_ident()
        if self.thread == MAIN or self.thread in _deadlines or runs_greenlets():
            self.thread = 0
            return
        _deadlines[self.thread] = time.perf_counter() + self.seconds
        if _watcher is None:
            _start_watcher()

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        try:
            if self.thread and _deadlines.pop(self.thread, None) is None:
                with _lock:  # it is being ended: if that has not come yet, it shall not
                    _raise_in(self.thread, None)
        except OutOfTime:  # it has come here: what the block has made is whole
            pass


MAIN = threading.main_thread().ident


def _start_watcher() -> None:
    global _watcher
    with _lock:
        if _watcher is None:
            _watcher = threading.Thread(target=_watch, daemon=True, name="deadlines")
            _watcher.start()


def _watch() -> None:
    while True:
        time.sleep(LOOK_EVERY_S)
        now = time.perf_counter()
        with _lock:
            for thread, deadline in list(_deadlines.items()):
                if deadline < now and _deadlines.pop(thread, None) is not None:
                    _raise_in(thread, OutOfTime)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have a thread raise an exception at its next step in Python; None takes that back."""
    raised = ctypes.py_object(error) if error else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
