"""A real lab for the tests: Gunicorn with this checkout's code, on a loopback port of its own."""

import contextlib
import http.client
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil

from perflab.base.gunicorn import gunicorn_command
from perflab.measure import server_timing
from tests.support.services import free_port, temporary_folder, tie_to_parent, wait_until

ROOT = Path(__file__).resolve().parents[2]


def manage(*arguments, **environment):
    """Run a management command to its end; RuntimeError with its output when it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout


class SeededDatabase:
    """A SQLite file, migrated and holding the 1,851 real films, made when first copied."""

    def __init__(self):
        self.folder = None

    def copy_to(self, path):
        if self.folder is None:
            self.folder = temporary_folder()
            environment = {"PERFLAB_VAR": str(self.folder), "DATABASE_URL": ""}
            manage("migrate", "--verbosity=0", **environment)
            manage("seed", "--movies=1851", **environment)
        source = sqlite3.connect(self.folder / "perflab.sqlite3")
        copy = sqlite3.connect(path)
        with contextlib.closing(source), contextlib.closing(copy):
            source.backup(copy)  # takes what is still in the write-ahead log too

    def remove(self):
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class Response:
    """A status, headers (by any case) and the body's text."""

    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.text = answer.read().decode(errors="replace")

    @property
    def timing(self):
        """`Server-Timing` as a dict: {"total": 1.25, "queries": 3, ...}; durations in ms."""
        return server_timing.read(self.headers.get("Server-Timing", ""))


class Lab:
    """Gunicorn under `with`: it answers when the block begins and has ended when the block ends.

    Its database is a copy of the seeded one unless DATABASE_URL is given (to one that is migrated
    and seeded here if it is empty). Other options are environment variables: `REDIS_URL=...`.
    """

    def __init__(
        self,
        seeded=None,
        workers=2,
        threads=1,
        arguments=(),
        application="perflab.wsgi",
        **environment,
    ):
        self.seeded = seeded
        self.application = application
        self.var = temporary_folder()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.var / "lab.log"
        self.arguments = arguments
        self.prefix = ()  # of the command, for a lab that another program starts
        self.workers = workers
        self.process = None
        self.environment = {
            **os.environ,
            "REDIS_URL": "",
            "MEMCACHED_URL": "",
            "DATABASE_URL": "",
            "PERFLAB_VAR": str(self.var),
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(workers),
            "WEB_THREADS": str(threads),
            **environment,
        }

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error):
        self.stop()

    def start(self):
        if self.environment["DATABASE_URL"]:
            environment = {name: self.environment[name] for name in ("DATABASE_URL", "PERFLAB_VAR")}
            manage("migrate", "--verbosity=0", **environment)
            manage("seed", "--movies=1851", **environment)
        else:
            self.seeded.copy_to(self.var / "perflab.sqlite3")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *self.prefix,
                    *gunicorn_command(
                        f"127.0.0.1:{self.port}", self.arguments, application=self.application
                    ),
                ],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=tie_to_parent(signal.SIGTERM),  # on which Gunicorn ends its workers
            )
        wait_until(self._answers_or_died, "starting the lab", 60)

    def _answers_or_died(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the lab ended at once:\n{self.log_text()[-4000:]}")
        try:
            return self.get("/health/", timeout=30).status < 500
        except OSError:
            return False

    def log_text(self):
        """What it has written so far to its output and errors."""
        return self.log.read_text(errors="replace")

    def worker_pids(self):
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def request(self, method, path, headers=None, body=None, timeout=30):
        """Send one request on a connection of its own; a Response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            return Response(connection.getresponse())

    def get(self, path, headers=None, timeout=30):
        return self.request("GET", path, headers, timeout=timeout)

    def stop(self):
        """End it with all its workers, and remove its files."""
        if self.process and self.process.poll() is None:
            family = psutil.Process(self.process.pid).children(recursive=True)
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        shutil.rmtree(self.var, ignore_errors=True)


def visit(path, **environment):
    """Status and page of an address, asked in a process of its own with that environment."""
    script = (
        "from django.test import Client\n"
        f"response = Client(SERVER_NAME='127.0.0.1').get({path!r})\n"
        "print(response.status_code, response.content.decode())"
    )
    return manage("shell", "--no-imports", "-c", script, **environment)
