"""The lab under load: a Gunicorn of our own on a loopback port, or one that runs already.

Both have `url`; `cpu_s()`, the CPU seconds that it has used so far; and `queued_s()`, the seconds
that its threads were ready to run and had no core. None is what cannot be known.
"""

import contextlib
import glob
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from perflab.base import paths
from perflab.base.gunicorn import CONFIGURATION, gunicorn_command
from perflab.base.logs import last_lines, open_log
from perflab.base.network import Address, can_listen
from perflab.base.processes import end, spawn
from perflab.measure import server_timing
from perflab.workers import scoreboard

from .plan import LoadRefused

START_S = 60  # how long Gunicorn may take to answer
WORKERS_S = 20  # and all of its workers
SCHEDSTAT = Path("/proc/self/schedstat")  # Linux
GRACE_S = 3  # for requests under way at the end, which nobody waits for


class Elsewhere:
    """A lab that somebody else started. What it costs its machine we cannot see."""

    def __init__(self, url):
        self.url = url

    def cpu_s(self):
        return None

    queued_s = cpu_s


class Gunicorn:
    """Under `with`: all its workers answer when the block begins, and have ended when it ends.

    `arguments` are further ones of Gunicorn's, `config` is a file in place of the lab's own, and
    `settings` names Django's module. Raises LoadRefused when the port is taken or Gunicorn does not
    start.
    """

    def __init__(
        self, workers, threads, worker_class, port=None, arguments=(), config=None, settings=None
    ):
        self.address = Address("127.0.0.1", port or free_port())
        self.url = f"http://{self.address}"
        self.workers = workers
        self.var = paths.var_folder()
        self.log = self.var / "log" / "load-gunicorn.log"
        self.command = gunicorn_command(
            self.address,
            (
                *("--workers", str(workers), "--threads", str(threads)),
                *("--worker-class", worker_class, "--graceful-timeout", str(GRACE_S)),
                # Nobody reads the access log, and at some thousand lines a second it costs.
                *("--access-logfile", os.devnull),
                *arguments,
            ),
            configuration=config or CONFIGURATION,
            application="perflab.asgi" if worker_class == "asgi" else "perflab.wsgi",
        )
        self.environment = {
            **os.environ,
            "PORT": str(self.address.port),
            # Measure mode, and for this machine alone whatever the shell says.
            **dict.fromkeys(("PERFLAB_TOOLBAR", "DEBUG", "PERFLAB_PUBLIC", "PERFLAB_HTTPS"), "0"),
            **dict.fromkeys(("ALLOWED_HOSTS", "GUNICORN_CMD_ARGS", "PERFLAB_INSTANCE"), ""),
            **({"DJANGO_SETTINGS_MODULE": settings} if settings else {}),
        }
        self.process = None

    def __enter__(self):
        if not can_listen(self.address):
            raise LoadRefused(f"port {self.address.port} is taken by another program")
        try:
            with open_log(self.var, self.log.name) as log:
                self.begun = log.tell()
                self.process = spawn(
                    self.command, cwd=paths.ROOT, env=self.environment, stdout=log, stderr=log
                )
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            end(self.process, GRACE_S + 2)
        with contextlib.suppress(OSError):  # of one that was killed it stays
            paths.socket_path(self.var, f"gunicorn-{self.address.port}.sock").unlink()

    def wait(self):
        """Return once every worker has answered."""
        deadline = time.monotonic() + START_S
        while not (status := self.ask()[0]):
            if self.process.poll() is not None:
                raise LoadRefused(f"Gunicorn did not start: {self.last_lines()}")
            if time.monotonic() > deadline:
                raise LoadRefused(f"Gunicorn has not answered for {START_S} s: {self.last_lines()}")
            time.sleep(0.02)
        if status != 200:
            raise LoadRefused(
                f"the lab is not well, /health/ answers {status}: {self.last_lines()}"
            )
        deadline = time.monotonic() + WORKERS_S
        seen = set()
        # Many at a time: one alone would be taken by the same idle worker again and again.
        with ThreadPoolExecutor(2 * self.workers) as askers:
            while len(seen) < self.workers and time.monotonic() < deadline:
                asked = range(2 * self.workers)
                seen |= {worker for _, worker in askers.map(lambda _: self.ask(), asked)}
                seen -= {None}

    def ask(self):
        """The status of /health/ and the pid of the worker that told; (None, None) without one."""
        connection = HTTPConnection(self.address.host, self.address.port, timeout=START_S)
        try:
            connection.request("GET", "/health/", headers={"Connection": "close"})
            response = connection.getresponse()
            response.read()
        except (OSError, HTTPException):
            return None, None
        finally:
            connection.close()
        timing = server_timing.read(response.headers.get("Server-Timing", ""))
        return response.status, timing.get("worker")

    def last_lines(self):
        return last_lines(self.log, self.begun, lines=1)

    def cpu_s(self):
        """CPU seconds of Gunicorn and all its workers, those that have ended too."""
        total = 0.0
        with contextlib.suppress(psutil.NoSuchProcess):
            master = psutil.Process(self.process.pid)
            for process in (master, *master.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    total += times.user + times.system
                    if process is master:
                        total += times.children_user + times.children_system
        return total

    def memory_mb(self):
        """Memory of Gunicorn and its workers, in MB; what they share counts once.

        Where the system does not tell that (it is Linux's PSS), what each has for itself.
        """
        total = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            master = psutil.Process(self.process.pid)
            for process in (master, *master.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    info = process.memory_full_info()
                    total += getattr(info, "pss", info.uss)
        return total / 1e6

    def requests_by_worker(self):
        """How many requests each worker has answered, by its pid."""
        slots = scoreboard.read(self.var / f"scoreboard-{self.address.port}")
        return {slot.pid: slot.requests for slot in slots}

    def queued_s(self):
        """Seconds that Gunicorn's threads waited for a core; None where the kernel tells it not."""
        total = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                for path in glob.glob(f"/proc/{process.pid}/task/*/schedstat"):
                    with contextlib.suppress(OSError):
                        total += int(Path(path).read_text().split()[1])
        return total / 1e9 if SCHEDSTAT.exists() else None


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


def free_port():
    """A loopback port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
