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
from django.conf import settings

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
        wait_until(lambda: listens(port, process, log), name)
        yield port


# Balancers that add no header: what reaches the lab looks as if it came from its own machine.
BARE = {
    "nginx": """daemon off; user root; error_log stderr; pid nginx.pid; events {{}}
http {{ access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;
uwsgi_temp_path u; scgi_temp_path s;
server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{web_port}; }} }} }}
""",
    "haproxy": """defaults
    mode tcp
    timeout connect 1s
    timeout client 30s
    timeout server 30s
listen front
    bind 127.0.0.1:{port}
    server web 127.0.0.1:{web_port}
""",
}


@contextlib.contextmanager
def bare_balancer(name, web_port, folder):
    """nginx with a bare `proxy_pass`, or HAProxy in TCP mode, in front of one lab; its port."""
    program = or_skip(services.find, name, folders=("/usr/local/sbin", "/usr/sbin", "/sbin"))
    port, file = free_port(), folder / f"{name}.conf"
    file.write_text(BARE[name].format(port=port, web_port=web_port))
    options = {"haproxy": ["-db", "-f", file], "nginx": ["-p", folder, "-c", file, "-e", "stderr"]}
    log = folder / f"{name}.log"
    with running([program, *options[name]], log) as process:
        wait_until(lambda: listens(port, process, log), name)
        yield port


def listens(port, process, log):
    """Say whether somebody listens on a port; AssertionError with the log if the process ended."""
    assert process.poll() is None, log.read_text()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def ask(port, path, method="GET", headers=(), source=None):
    """One request on a connection of its own; `source` is the address that it comes from."""
    source = (source, 0) if source else None
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=source)
    with contextlib.closing(connection):
        connection.request(method, path, headers=dict(headers))
        return Response(connection.getresponse())


def assert_closed(port, headers=()):
    """Assert that whoever comes by this port gets no toolbar and no trace, and changes nothing."""
    inspected, traced, flushed = ask_for_more(port, headers)
    assert "djDebug" not in inspected.text
    assert "X-Perflab-Trace" not in traced.headers
    assert flushed.status == 403
    if "X-Forwarded-Proto" not in headers:  # with it, Django already misses the Referer
        assert "own machine" in flushed.text
    assert ask(port, "/__debug__/history_sidebar/", headers=dict(headers)).status == 404


def ask_for_more(port, headers=()):
    """Ask for the toolbar, a trace and a flush, as only a local visitor may; the three answers."""
    token = "a" * 32
    order = {"Cookie": f"{settings.CSRF_COOKIE_NAME}={token}", "X-CSRFToken": token}
    return (
        ask(port, f"{PAGE}&inspect=1", headers=headers),
        ask(port, f"{PAGE}&trace=1", headers=headers),
        ask(port, "/experiments/cache-page/flush/", "POST", {**dict(headers), **order}),
    )
