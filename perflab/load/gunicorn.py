"""The lab under load: a Gunicorn of our own on a loopback port, or a lab that runs already.

Both have `url`; `cpu_s()`, the CPU seconds that it has used so far; `queued_s()`, the seconds for
which its threads were ready to run and had no core; and `worker_pids()`, which is empty where they
cannot be known. None stands for another value that cannot be known.
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
GRACE_S = 3  # time at the end for requests that are under way


class ExternalLab:
    """A lab that somebody else started. The CPU that it uses cannot be seen from here."""

    def __init__(self, url):
        self.url = url

    def cpu_s(self):
        """Return None: it is not known."""
        return None

    queued_s = cpu_s

    def worker_pids(self):
        """Return nothing: they are not known."""
        return frozenset()


class Gunicorn:
    """A Gunicorn under `with`: all workers answer when the block begins, and end when it ends.

    `arguments` are further options of Gunicorn's, `config` is a file in place of the lab's own, and
    `settings` names Django's settings module. Raises LoadRefused when the port is taken or Gunicorn
    does not start.
    """

    def __init__(
        self, workers, threads, worker_class, port=None, arguments=(), config=None, settings=None
    ):
        self.address = Address("127.0.0.1", port or free_port())
        self.url = f"http://{self.address}"
        self.workers = workers
        self.var = paths.var_folder()
        self.scoreboard = self.var / f"scoreboard-{self.address.port}"
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
            **lab_environment(self.address.port),
            **({"DJANGO_SETTINGS_MODULE": settings} if settings else {}),
        }
        self.process = None

    def __enter__(self):
        if not can_listen(self.address):
            raise LoadRefused(f"port {self.address.port} is taken by another program")
        try:
            with open_log(self.var, self.log.name) as log:
                self.log_start = log.tell()
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
        # A Gunicorn that was killed leaves its scoreboard and its socket.
        with contextlib.suppress(OSError, scoreboard.NoScoreboard):
            if self.process and scoreboard.snapshot(self.scoreboard).master == self.process.pid:
                self.scoreboard.unlink()
        with contextlib.suppress(OSError):
            paths.socket_path(self.var, f"gunicorn-{self.address.port}.sock").unlink()

    def wait(self):
        """Wait until every worker has answered."""
        deadline = time.monotonic() + START_S
        while not (status := self.ask_health()[0]):
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
        # Many requests at a time: one idle worker would answer all that come one by one.
        with ThreadPoolExecutor(2 * self.workers) as pool:
            while len(seen) < self.workers and time.monotonic() < deadline:
                requests = range(2 * self.workers)
                seen |= {worker for _, worker in pool.map(lambda _: self.ask_health(), requests)}
                seen -= {None}

    def ask_health(self):
        """Return the status of /health/ and the pid of the worker that answered.

        Both are None without an answer.
        """
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
        """Return the last line that Gunicorn wrote, and where to read on."""
        return last_lines(self.log, self.log_start, lines=1)

    def cpu_s(self):
        """Return the CPU seconds of Gunicorn and all its workers, also those that have ended."""
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

    def worker_pids(self):
        """Return the pids of Gunicorn's workers; none once it has ended."""
        try:
            return {child.pid for child in psutil.Process(self.process.pid).children()}
        except psutil.NoSuchProcess:
            return set()

    def memory_mb(self):
        """Return the memory of Gunicorn and its workers in MB; what they share counts once.

        Where the system does not tell that (it is Linux's PSS), it is what each has for itself.
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
        """Return how many requests each worker has answered, by its pid."""
        slots = scoreboard.read(self.scoreboard)
        return {slot.pid: slot.requests for slot in slots}

    def queued_s(self):
        """Return the seconds for which Gunicorn's threads waited for a core; None where unknown."""
        total = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                for path in glob.glob(f"/proc/{process.pid}/task/*/schedstat"):
                    with contextlib.suppress(OSError):
                        total += int(Path(path).read_text().split()[1])
        return total / 1e9 if SCHEDSTAT.exists() else None


class Freeze:
    """Stops the workers for `for_s` seconds, `after_s` seconds after `begin` was called.

    Use it under `with`: the workers go on when the block ends, however it ends. With `for_s` 0
    nothing happens.
    """

    def __init__(self, server, after_s, for_s):
        self.server, self.after_s, self.for_s = server, after_s, for_s
        self.over = threading.Event()
        self.thread = None

    def __enter__(self):
        return self

    def begin(self):
        """Start the clock when the measurement begins; a second call does nothing."""
        if self.for_s and self.thread is None:
            self.thread = threading.Thread(target=self.stop_and_go, daemon=True)
            self.thread.start()

    def stop_and_go(self):
        """Wait for the moment, then stop the workers for a while."""
        if self.over.wait(self.after_s):
            return
        with contextlib.suppress(psutil.NoSuchProcess):  # Gunicorn has ended: its requests fail
            self.halt()

    def halt(self):
        """Stop the workers, and let them go on when the time is over or the block ends."""
        workers = [process.pid for process in psutil.Process(self.server.process.pid).children()]
        try:
            send_signal(workers, signal.SIGSTOP)
            self.over.wait(self.for_s)
        finally:
            send_signal(workers, signal.SIGCONT)

    def __exit__(self, *_):
        self.over.set()
        if self.thread is not None:
            self.thread.join()


def send_signal(pids, number):
    """Send a signal to all processes of these pids that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(pid, number)


def lab_environment(port, toolbar=False):
    """Return the environment of a lab for this machine alone, whatever the shell says."""
    return {
        **os.environ,
        "PORT": str(port),
        "PERFLAB_TOOLBAR": "1" if toolbar else "0",
        **dict.fromkeys(("DEBUG", "PERFLAB_PUBLIC", "PERFLAB_HTTPS"), "0"),
        **dict.fromkeys(("ALLOWED_HOSTS", "GUNICORN_CMD_ARGS", "PERFLAB_INSTANCE"), ""),
    }


def free_port():
    """Return a loopback port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
