"""Child processes that end when we end, however that happens.

A watcher process, which notices our end by a pipe, ends the process groups of all our children. On
Linux the kernel asks them to end at once (PR_SET_PDEATHSIG), so that the watcher has to see only to
those that cannot. `spawn_beside` starts a process that outlives us.
"""

import atexit
import contextlib
import ctypes
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from . import paths, watcher
from .watcher import GRACE_S, STOP_SIGNALS, signal_group

LINUX = sys.platform == "linux"
LIBC = ctypes.CDLL(None) if LINUX else None
PR_SET_PDEATHSIG = 1
CHECK_S = 0.5  # how often we look whether a process is still there, where the kernel does not tell


@dataclass
class State:
    """What this process remembers of its signals and of its watcher."""

    stopping: bool = False  # a signal to stop has come
    hurry: bool = False  # another one has come since: `end` does not wait
    watcher: subprocess.Popen[bytes] | None = None  # its standard input is the pipe


_state = State()


class Stopped(BaseException):
    """We were asked to stop: by Ctrl-C, by SIGTERM, or because the terminal was closed."""


def runs_greenlets() -> bool:
    """Return whether gevent has replaced this process's threads: one then runs many requests."""
    monkey = sys.modules.get("gevent.monkey")
    return bool(monkey and monkey.is_module_patched("threading"))


def stop_on_signals() -> None:
    """Make the first signal to stop raise Stopped, and any further one make `end` hurry."""

    def stop(number: int, frame: FrameType | None) -> None:
        if _state.stopping:
            _state.hurry = True
            return
        _state.stopping = True
        raise Stopped

    for number in STOP_SIGNALS:
        # nohup ignores SIGHUP on purpose.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


def die_with_parent(parent: int) -> None:
    """Have the kernel send us SIGTERM when the process `parent`, which forked us, dies."""
    if LINUX and LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent died before the call
            os._exit(1)


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """Let signals to stop wait for the end of the block; Stopped is raised there."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Child(subprocess.Popen[Any]):
    """A process that `spawn` started.

    Stopped, raised within Popen.poll, would leave its lock taken: `end` would never end then.
    """

    def poll(self) -> int | None:
        """Return the exit status; None while the process runs."""
        with held_signals():
            return super().poll()


def spawn(command: Sequence[Any], **options: Any) -> Child:
    """Start a process in a session of its own that dies with us; the options are Popen's."""
    if _state.watcher is None:
        _state.watcher = start_watcher()
    parent = os.getpid()

    def before_exec() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        die_with_parent(parent)

    with held_signals():  # from the fork until we know the child
        process = Child(command, preexec_fn=before_exec, start_new_session=True, **options)
        tell_watcher(process.pid)
    return process


def spawn_beside(
    module: str, arguments: Sequence[str], var: Path, log: str, lock: IO[Any]
) -> subprocess.Popen[Any]:
    """Start one of our modules in a session of its own, which outlives us.

    Its first argument is our parent's pid: a worker's is the server, with which the process can end
    (end_with). It inherits the lock, and writes to this file in var/log.
    """
    folder = var / "log"
    folder.mkdir(exist_ok=True)
    with open(folder / log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(os.getppid()), *arguments],
            cwd=paths.ROOT,
            env={
                **os.environ,
                "PERFLAB_VAR": str(var),
                "DJANGO_SETTINGS_MODULE": "perflab.settings",
            },
            pass_fds=(lock.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    # Without a wait the process would stay as a zombie after its end.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def is_held(open_lock: Callable[[], IO[Any]]) -> bool:
    """Return whether a process holds the lock on the file that `open_lock` opens.

    On a full or read-only disk, where it cannot be opened, none can have been taken.
    """
    try:
        with open_lock() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def end_with(pid: int) -> None:
    """Wait for the end of another process, which need not be ours; then send us SIGTERM."""
    with contextlib.suppress(ProcessLookupError):
        wait_for_end(pid)
    os.kill(os.getpid(), signal.SIGTERM)


def wait_for_end(pid: int) -> None:
    """Return when a process has ended. Raises ProcessLookupError where there is none."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except (AttributeError, OSError):  # this is no Linux, or an old one
        while True:
            os.kill(pid, 0)
            time.sleep(CHECK_S)
    select.select([descriptor], [], [])
    os.close(descriptor)


def start_watcher() -> subprocess.Popen[bytes]:
    """Start the process that ends the groups named to it when we die."""
    atexit.register(dismiss_watcher)
    return subprocess.Popen(
        [sys.executable, "-I", "-S", watcher.__file__, str(GRACE_S)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def dismiss_watcher() -> None:
    """End the watcher. Where one of our children still runs, it ends that one first."""
    process, _state.watcher = _state.watcher, None
    if process is not None and process.stdin is not None:
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)


def tell_watcher(number: int) -> None:
    """Name a process group to the watcher; a negative number names one that has ended."""
    if _state.watcher is not None and _state.watcher.stdin is not None:
        with contextlib.suppress(OSError):  # the watcher has been killed
            os.write(_state.watcher.stdin.fileno(), b"%+d\n" % number)


def end(process: Child, seconds: float = GRACE_S) -> None:
    """End a process that `spawn` started, and all its group: by SIGTERM, then by SIGKILL."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    signal_group(process.pid, signal.SIGCONT)  # one that was stopped could not take it
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline and not _state.hurry:
        time.sleep(0.02)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
    tell_watcher(-process.pid)


def run(
    command: Sequence[Any], on_line: Callable[[str], None] | None = None, **options: Any
) -> tuple[int, str]:
    """Run a command to its end; return its exit status and its output, both streams together.

    `on_line` is called with each line as it comes.
    """
    process = spawn(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    )
    assert process.stdout is not None
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if on_line:
                on_line(line)
        return process.wait(), "".join(lines)
    finally:
        process.stdout.close()
        end(process, seconds=2)
