"""The lab beside a bare Django: each answers "ok" from a Gunicorn of its own, on loopback, in turn.

One worker each. What is compared is the time that a request takes there: of the worker's CPU, and
from the requests per second that a client gets.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from perflab.base import paths
from perflab.base.gunicorn import gunicorn_command
from perflab.base.network import Address
from perflab.base.processes import end, spawn
from perflab.measure import stats

from ..gunicorn import free_port, lab_environment
from ..plan import LoadRefused

START_S = 60
USERS = 2  # the worker always has one to serve while the other reads its answer
BARE, LAB, WITHOUT_TOOLBAR = "bare Django", "the lab", "the lab without its toolbar"


@dataclass
class Server:
    """A Gunicorn with one worker, under `with`; it has answered when the block begins."""

    name: str
    path: str  # of the page that answers "ok"
    command: list[str]
    environment: dict[str, str]
    folder: Path  # in which it runs
    address: Address
    rates: list[float] = field(default_factory=list)  # requests/s of each round
    cpu_us: list[float] = field(default_factory=list)  # of the worker, for a request

    def __enter__(self):
        self.log = tempfile.TemporaryFile("w+")
        self.process = spawn(
            self.command, cwd=self.folder, env=self.environment, stdout=self.log, stderr=self.log
        )
        try:
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end(self.process, 5)
        self.log.close()

    def wait(self):
        """Wait for the first answer. Raises LoadRefused when there is none, or not "ok"."""
        deadline = time.monotonic() + START_S
        while self.process.poll() is None and time.monotonic() < deadline:
            connection = HTTPConnection(self.address.host, self.address.port, timeout=START_S)
            with contextlib.closing(connection), contextlib.suppress(OSError, HTTPException):
                connection.request("GET", self.path)
                response = connection.getresponse()
                if response.read() == b"ok":
                    return
                raise LoadRefused(f"{self.name} answers {response.status} at {self.path}")
            time.sleep(0.05)
        self.log.seek(0)
        lines = self.log.read().split("\n")
        raise LoadRefused(f"{self.name} does not start: {' '.join(lines[-3:]).strip()}")

    def worker_cpu_s(self):
        """Return the CPU seconds that the worker has used so far."""
        [worker] = psutil.Process(self.process.pid).children()
        try:  # Linux, in nanoseconds
            return int(Path(f"/proc/{worker.pid}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            times = worker.cpu_times()
            return times.user + times.system

    def measure_round(self, generate, seconds):
        """Put load on the server for some seconds, and note what a request took."""
        before_s = self.worker_cpu_s()
        requests, took_s = generate(self.address, self.path, seconds)
        self.cpu_us.append((self.worker_cpu_s() - before_s) / requests * 1e6)
        self.rates.append(requests / took_s)


def make_bare(folder):
    """Return the Server of a bare Django, by a Gunicorn without any settings of ours."""
    address = Address("127.0.0.1", free_port())
    command = [
        *(sys.executable, "-m", "gunicorn", "perflab.load.overhead.bare_django:make_application()"),
        *("--bind", str(address), "--pythonpath", str(paths.ROOT), "--no-control-socket"),
    ]
    if os.access("/dev/shm", os.W_OK):  # as the lab's
        command += ["--worker-tmp-dir", "/dev/shm"]
    environment = {**os.environ, "GUNICORN_CMD_ARGS": "", "WEB_CONCURRENCY": "1"}
    return Server(BARE, "/", command, environment, Path(folder), address)


def make_lab(name, path, toolbar):
    """Return the Server of a lab like the one of this environment, with or without the toolbar."""
    address = Address("127.0.0.1", free_port())
    environment = lab_environment(address.port, toolbar)
    command = gunicorn_command(address, ("--workers", "1", "--worker-class", "sync"))
    return Server(name, path, command, environment, paths.ROOT, address)


def compare(path, rounds, seconds=1.0, after_each_round=lambda: None):
    """Return the Servers: the bare Django first, then the lab, and the lab without its toolbar.

    They are measured in turn, after a warm-up. `path` is that of the lab's bare page. Raises
    LoadRefused when one of them does not start.
    """
    generate = generate_by_wrk if shutil.which("wrk") else generate_here
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        servers = [
            running.enter_context(server)
            for server in (
                make_bare(folder),
                make_lab(LAB, path, toolbar=True),
                make_lab(WITHOUT_TOOLBAR, path, toolbar=False),
            )
        ]
        for server in servers:
            generate(server.address, server.path, seconds)
        for number in range(rounds):
            first = number % len(servers)
            for server in servers[first:] + servers[:first]:
                server.measure_round(generate, seconds)
            after_each_round()
    return servers


def added_share(server, bare):
    """Return what a server adds to the CPU time of a request on the bare one, as a share of it."""
    return stats.median(added_shares(server, bare))


def added_interval(server, bare):
    """Return the lowest and the highest share that may be the true one, with 95 % confidence.

    They are two of the rounds' own shares, as many ranks from the middle as chance explains. So
    they hold whatever disturbs the rounds.
    """
    shares = sorted(added_shares(server, bare))
    rank = max(0, int(len(shares) / 2 - 0.98 * len(shares) ** 0.5))
    return shares[rank], shares[-1 - rank]


def added_shares(server, bare):
    """Return the same for each round, from the two measurements that were neighbours in time."""
    pairs = zip(server.cpu_us, bare.cpu_us, strict=True)
    return [own / yardstick - 1 for own, yardstick in pairs]


def rate_ratio(server, bare):
    """Return the server's requests per second as a share of those of the bare one."""
    pairs = zip(server.rates, bare.rates, strict=True)
    return stats.median([own / yardstick for own, yardstick in pairs])


def generate_by_wrk(address, path, seconds):
    """Ask by wrk for some whole seconds; return the number of answers, and the seconds it took."""
    command = ["wrk", "-t", "1", "-c", str(USERS), "-d", f"{max(1, round(seconds))}s"]
    done = subprocess.run(
        [*command, f"http://{address}{path}"], capture_output=True, text=True, check=False
    )
    found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", done.stdout)
    if not found or not int(found[1]) or "Non-2xx" in done.stdout:
        raise LoadRefused(f"wrk found no answers at http://{address}{path}: {done.stdout[-200:]}")
    return int(found[1]), float(found[2]) / (1000 if found[3] == "ms" else 1)


def generate_here(address, path, seconds):
    """Ask in this process for some seconds, one request after the other; return the same."""
    request = f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode()
    requests, started = 0, time.perf_counter()
    while (took_s := time.perf_counter() - started) < seconds or not requests:
        with socket.create_connection((address.host, address.port), timeout=START_S) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        if not answer.startswith(b"HTTP/1.1 200"):
            raise LoadRefused(f"http://{address}{path} answers {answer[:40]!r}")
        requests += 1
    return requests, took_s
