"""One run of the lab: a private Valkey, the preparation, Gunicorn; and the end of all of them."""

import contextlib
import fcntl
import json
import os
import shlex
import socket
import sys
import time
from dataclasses import dataclass

from perflab.base import paths
from perflab.base.config import Problem, is_public, read_variable
from perflab.base.gunicorn import gunicorn_command
from perflab.base.logs import ACCESS_LOG, keep_short, last_lines, open_log
from perflab.base.network import NOT_PUBLIC, Address, can_listen
from perflab.base.processes import Stopped, end, spawn
from perflab.base.watcher import group_is_alive
from perflab.launcher.environment import check_free_disk
from perflab.launcher.prepare import is_prepared
from perflab.launcher.valkey import Valkey

START_S = 60  # how long Gunicorn may take to answer
FREE_MB = 20
LOGS = ("gunicorn.log", "valkey.log")  # of what writes while the lab runs
RECORD = {"pid": int, "url": str, "port": int, "gunicorn": int}  # gunicorn: its process group


@dataclass(frozen=True)
class Options:
    """The options of a run; `movies` is None where no number was asked for."""

    address: Address
    workers: int
    threads: int
    movies: int | None = None


def check(options, say=print):
    """Raise Problem when the lab cannot start here, before anything slow is done."""
    if not (options.address.is_loopback() or is_public()):
        raise Problem(NOT_PUBLIC.format(address=options.address))
    with lock_var(paths.var_folder()) as lock:
        check_port(options.address, read_record(lock), say)


def run(options, say=print):
    """Run the lab until it is stopped (processes.Stopped) or breaks (Problem)."""
    var = paths.var_folder()
    check_free_disk(var, FREE_MB)
    with lock_var(var) as lock, contextlib.ExitStack() as children:
        check_port(options.address, read_record(lock), say)
        paths.delete_valkey_sockets(var)
        children.callback(paths.delete_valkey_sockets, var)
        environment = child_environment(options, var)
        valkey = None
        if not read_variable("REDIS_URL"):
            valkey = Valkey(var, say)
            children.callback(valkey.end)
            if valkey.start():
                environment["REDIS_URL"] = valkey.url
        if not is_prepared(var, options.movies):
            prepare(options, environment, say)
        keep_short(var, LOGS)
        log = open_log(var, "gunicorn.log")
        log_starts = log.tell()
        gunicorn = spawn(
            gunicorn_command(options.address),
            cwd=paths.ROOT,
            env={**environment, "GUNICORN_CMD_ARGS": gunicorn_options(var)},
            stdin=None,
            stdout=log,
            stderr=log,
        )
        children.callback(end, gunicorn)
        write_record(lock, options.address, gunicorn.pid)
        try:
            status = wait_for_answer(options.address, gunicorn)
            say(describe_ready_lab(options, environment, valkey))
            if status != 200:
                say(f"But /health/ answers {status}: {last_lines(log.name, log_starts)}")
            say(f"Stop it with Ctrl-C. Its logs are in {var / 'log'}.")
            while gunicorn.poll() is None:
                if valkey:
                    valkey.restart_if_ended()
                keep_short(var, LOGS)
                time.sleep(0.25)
            raise Problem(f"Gunicorn has ended by itself (status {gunicorn.returncode})")
        except Stopped:
            say("\nStopping, once requests under way are answered. A second Ctrl-C does not wait.")
            raise
        except Problem as problem:
            raise Problem(f"{problem}: {last_lines(log.name, log_starts)}") from None


@contextlib.contextmanager
def lock_var(var):
    """Hold the lock of `var/` and yield its file. Raises Problem when a lab runs from there."""
    try:
        lock = (var / "lab.lock").open("a+")
    except OSError as error:
        raise Problem(f"cannot write in {var}: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            running = read_record(lock)
            raise Problem(
                f"a lab already runs from {var}, at {running.get('url', 'an address')} "
                f"(process {running.get('pid', 'unknown')}): stop that one, or give this one "
                "another folder (PERFLAB_VAR) and another port (--bind)."
            ) from error
        yield lock


def read_record(lock):
    """Return what the lock's last holder wrote; {} unless it is all there."""
    lock.seek(0)
    try:
        record = json.load(lock)
    except (ValueError, RecursionError):
        return {}
    whole = isinstance(record, dict) and all(
        type(record.get(name)) is kind for name, kind in RECORD.items()
    )
    return record if whole and record["gunicorn"] > 1 else {}


def write_record(lock, address, gunicorn):
    """Write into the lock who holds it, for other launchers."""
    record = {
        "pid": os.getpid(),
        "url": f"http://{address}/",
        "port": address.port,
        "gunicorn": gunicorn,
    }
    lock.truncate(0)
    lock.write(json.dumps(record))
    lock.flush()


def check_port(address, last, say):
    """Raise Problem when we cannot listen on the address.

    The lab whose record is `last` may have been killed a moment ago: its Gunicorn gets the time to
    finish the requests that it is answering.
    """
    deadline = time.monotonic() + 20
    announced = False
    while not can_listen(address):
        dying = last.get("port") == address.port and group_is_alive(last["gunicorn"])
        if not dying or time.monotonic() > deadline:
            other = next(
                (port for port in range(address.port + 1, min(address.port + 100, 65536))
                 if can_listen(Address(address.host, port))),
                address.port + 1,
            )  # fmt: skip
            raise Problem(
                f"port {address.port} is taken by another program; "
                f"choose another, for example --bind {Address(address.host, other)}"
            )
        if not announced:
            say("Waiting for the last lab to finish.")
            announced = True
        time.sleep(0.1)


def child_environment(options, var):
    """Return the environment variables of all processes that we start."""
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",  # or every worker compiles Django for itself
        "PERFLAB_VAR": str(var),
        "PORT": str(options.address.port),
        "WEB_CONCURRENCY": str(options.workers),
        "WEB_THREADS": str(options.threads),
    }
    host = options.address.host
    if not is_public() and not read_variable("ALLOWED_HOSTS") and host not in ("127.0.0.1", "::1"):
        environment["ALLOWED_HOSTS"] = f"localhost,127.0.0.1,[::1],{host}"  # 127.0.0.2, say
    return environment


def gunicorn_options(var):
    """Return Gunicorn's options: its access log, and what the environment says, which overrides it.

    The workers open the file themselves, so that they can open it anew when it is moved.
    """
    options = f"--access-logfile {shlex.quote(str(var / 'log' / ACCESS_LOG))}"
    return f"{options} {read_variable('GUNICORN_CMD_ARGS')}"


def prepare(options, environment, say):
    """Run perflab.launcher.prepare, which prints its own errors. Raises Problem without a text."""
    say("Preparing the database and the static files.")
    command = [sys.executable, "-m", "perflab.launcher.prepare"]
    if options.movies is not None:
        command += ["--movies", str(options.movies)]
    process = spawn(command, cwd=paths.ROOT, env=environment)
    try:
        status = process.wait()
    finally:
        end(process)
    if status:
        raise Problem("", status)


def wait_for_answer(address, gunicorn):
    """Return the HTTP status of the site's first answer. Raises Problem when there is none.

    Gunicorn listens before its workers are ready: the request waits in the queue until one is.
    """
    wildcards = {"0.0.0.0": "127.0.0.1", "::": "::1"}
    family, where = Address(wildcards.get(address.host, address.host), address.port).resolve()
    deadline = time.monotonic() + START_S
    while gunicorn.poll() is None:
        with contextlib.suppress(OSError), socket.socket(family) as client:
            client.settimeout(max(0.1, deadline - time.monotonic()))
            client.connect(where)
            client.sendall(b"GET /health/ HTTP/1.0\r\n\r\n")
            version, _, rest = client.recv(16).partition(b" ")
            if version.startswith(b"HTTP/1.") and rest[:3].isdigit():
                return int(rest[:3])
        if time.monotonic() > deadline:
            raise Problem(f"Gunicorn has not answered for {START_S} s")
        time.sleep(0.02)
    raise Problem("Gunicorn did not start")


def describe_ready_lab(options, environment, valkey):
    """Return the line that says where the lab is, and what it runs on."""
    parts = [f"{options.workers} worker{'s' * (options.workers > 1)}"]
    if options.threads > 1:
        parts[0] += f" of {options.threads} threads"
    if valkey and valkey.url in environment.get("REDIS_URL", ""):
        parts.append("Valkey")
    elif read_variable("REDIS_URL"):
        parts.append("Redis at REDIS_URL")
    if read_variable("MEMCACHED_URL"):
        parts.append("Memcached at MEMCACHED_URL")
    where = f"at http://{options.address}/"
    if is_public():
        where = f"on {options.address}, for {read_variable('ALLOWED_HOSTS')}"
    return f"perflab is ready {where} ({', '.join(parts)})."
