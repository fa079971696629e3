"""Start HAProxy and nginx, and ask through them."""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from tests.support import services
from tests.support.labs import ROOT, Response
from tests.support.services import free_port, or_skip, tie_to_parent, wait_until

BALANCERS = ("haproxy", "nginx")
GUIDE = (ROOT / "docs/deploy.md").read_text()
PAGE = "/experiments/n-plus-one/fast/?movies=5"
# What somebody far away may send to be taken for somebody on the lab's own machine.
LIES = [
    {},
    {"X-Forwarded-For": ""},
    {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Forwarded-Host": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1;proto=https", "X-Forwarded-Proto": "https"},
    {"X-Forwarded-Ssl": "on", "X-Forwarded-Port": "443", "X-Forwarded-Prefix": "/experiments"},
    {"Connection": "close, X-Forwarded-For, X-Forwarded-Host, X-Real-IP"},
]


def free_ports(*offsets):
    """A port from which on these offsets are free, below those that the system gives away."""
    for _ in range(100):
        base = random.randrange(15_000, 30_000)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for offset in offsets:
                probe = held.enter_context(socket.socket())
                probe.bind(("127.0.0.1", base + offset))
            return base
    raise RuntimeError("no free ports")


@contextlib.contextmanager
def running(command, log, **environment):
    """A process, under `with`; it and all that it has started have ended when the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=tie_to_parent(signal.SIGTERM),
        )
    try:
        yield process
    finally:
        family = [psutil.Process(process.pid)] if process.poll() is None else []
        family += [child for parent in family for child in parent.children(recursive=True)]
        if family:
            process.terminate()
        _, alive = psutil.wait_procs(family, timeout=60)
        for survivor in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()
        process.wait()
    assert not alive, f"{command} left {alive} running"


@contextlib.contextmanager
def balancer(name, web_port, var):
    """The real program under deploy/balancer.py, in front of three instances; its port."""
    or_skip(services.find, name, folders=("/usr/local/sbin", "/usr/sbin", "/sbin"))
    port, log = free_port(), var / f"{name}.log"
    environment = {"BALANCER": name, "PORT": str(port), "WEB_PORT": str(web_port)}
    command = [sys.executable, str(ROOT / "deploy/balancer.py")]
    with running(command, log, PERFLAB_VAR=str(var), **environment) as process:

        def listens():
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True

        wait_until(listens, name)
        yield port


def ask(port, path, method="GET", headers=(), source=None):
    """One request on a connection of its own; `source` is the address that it comes from."""
    source = (source, 0) if source else None
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=source)
    with contextlib.closing(connection):
        connection.request(method, path, headers=dict(headers))
        return Response(connection.getresponse())
