"""Gunicorn's settings, read by itself from the working directory: `gunicorn perflab.wsgi`.

PORT, WEB_CONCURRENCY and WEB_THREADS say where and how wide; command-line options override them.
"""

import contextlib
import gc
import importlib
import os
import sys

from gunicorn.glogging import Logger

from perflab.base import config as environment
from perflab.base import network, paths
from perflab.base.processes import die_with_parent
from perflab.workers import scoreboard


def refuse(problem, status=1):
    print(f"perflab: {problem}", file=sys.stderr, flush=True)
    sys.exit(status)


try:
    address = network.Address.default()
    bind = str(address)
    workers = environment.read_workers()
    threads = environment.read_threads()
    var = paths.var_folder()
    control_socket = str(paths.socket_path(var, f"gunicorn-{address.port}.sock"))
except environment.Problem as problem:
    refuse(problem, problem.status)
except OSError as error:
    refuse(f"{error.strerror}: {error.filename}")

worker_class = "gthread" if threads > 1 else "sync"
# Each worker loads the application for itself: caches' clients do not survive a fork, and a reload
# (HUP) is to find new code. What the application is built on is loaded once, before the workers: a
# new one then costs 0.3 s of CPU instead of 1.
preload_app = False
LIBRARIES = (
    *("django.contrib.staticfiles", "django.core.handlers.wsgi", "django.core.management"),
    *("django.db.models", "django.forms", "django.template.backends.django", "django.test"),
    *("django.views.debug", "dj_database_url", "django_redis", "redis", "pymemcache", "psycopg"),
    *("httpx", "markdown_it", "pygments.lexers", "whitenoise"),
)
# Time enough for the slowest page that is ever served (settings.MAX_PAGE_MS), and no more.
timeout = 30
graceful_timeout = 15
# Heartbeats go to memory: on a busy disk a healthy worker could seem to hang.
if os.access("/dev/shm", os.W_OK):
    worker_tmp_dir = "/dev/shm"

# Who is believed about a visitor's scheme (X-Forwarded-Proto): a balancer on this machine, unless
# FORWARDED_ALLOW_IPS names another one. No request may name the address that the site lies under.
forwarded_allow_ips = environment.read_variable("FORWARDED_ALLOW_IPS") or "127.0.0.1,::1"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
forwarder_headers = ""

accesslog = "-"
access_log_format = '%(t)s %(p)s %(h)s "%(r)s" %(s)s %(B)s bytes %(ms)s ms'


class MillisecondLogger(Logger):
    """Gunicorn's own logger, with fractions of a millisecond: a cached page takes less than one."""

    def atoms(self, resp, req, environ, request_time):
        atoms = super().atoms(resp, req, environ, request_time)
        # A timedelta, or under ASGI something with only these two.
        atoms["ms"] = f"{request_time.seconds * 1000 + request_time.microseconds / 1000:.2f}"
        return atoms


logger_class = MillisecondLogger


def on_starting(server):
    """Refuse to be reached by others unless that is meant; tell instances on other ports apart."""
    for where in server.cfg.address:
        if not isinstance(where, int):  # one that somebody else opened: see when_ready
            refuse_strangers(where)
    ports = [where[1] for where in server.cfg.address if isinstance(where, tuple)]
    if ports and ports[0] != address.port:  # --bind
        os.environ.setdefault("PERFLAB_INSTANCE", str(ports[0]))
        if server.cfg.control_socket == control_socket:
            own = paths.socket_path(var, f"gunicorn-{ports[0]}.sock")
            server.cfg.set("control_socket", str(own))
    disabled = server.cfg.control_socket_disable
    os.environ["PERFLAB_CONTROL_SOCKET"] = "" if disabled else server.cfg.control_socket
    make_scoreboard(server, ports[0] if ports else address.port)
    if server.cfg.worker_class_str != "gevent":  # which has to patch what they are built on first
        load_libraries()
    check_settings()


def make_scoreboard(server, port):
    """Where the workers tell what they do; it outlives each of them, and a reload."""
    lanes = server.cfg.threads if server.cfg.worker_class_str == "gthread" else 1
    path = var / f"scoreboard-{port}"
    try:
        server.scoreboard = scoreboard.Board(path, slots=2 * environment.MAX_WORKERS, lanes=lanes)
    except OSError as error:
        refuse(f"cannot make {path}: {error.strerror}")
    os.environ["PERFLAB_SCOREBOARD"] = str(path)


def load_libraries():
    """Import what every worker needs and what holds no connection."""
    # The toolbar tries GeoDjango, which looks for GDAL under twelve names: 0.3 s in each worker.
    sys.modules["django.contrib.gis"] = None
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # the application will say so if it minds
            importlib.import_module(name)
    gc.freeze()


def check_settings():
    """End Gunicorn with one line if the settings refuse; each worker would do so with a traceback.

    In a process of its own, so that a reload finds changed settings.
    """
    pid = os.fork()
    if pid == 0:
        from django.core.exceptions import ImproperlyConfigured

        try:
            importlib.import_module("perflab.settings")
        except ImproperlyConfigured as error:
            print(f"perflab: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        except BaseException:  # a worker's traceback will tell
            pass
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit(1)


def when_ready(server):
    """Look again, now at what Gunicorn really listens on: systemd may have opened it."""
    for listener in server.LISTENERS:
        refuse_strangers(listener.getsockname())


def refuse_strangers(where):
    """End Gunicorn if a socket address can be reached from outside and the lab is not public."""
    if (
        isinstance(where, tuple)
        and not environment.is_public()
        and not network.is_loopback(where[0])
    ):
        listening = network.Address(*where[:2])
        refuse(network.NOT_PUBLIC.format(address=listening))


def pre_fork(server, worker):
    """Give a worker its slot on the scoreboard; there is one for each, and for a reload's too."""
    worker.slot = server.scoreboard.reserve()
    if server.cfg.preload_app:
        let_go()


def let_go():
    """Close what the application has opened, for a worker would share it with Gunicorn.

    Two processes on one connection to a database read each other's answers, and a client of
    Memcached hangs.
    """
    from django.core.cache import caches
    from django.db import connections

    connections.close_all()
    for connection in connections.all(initialized_only=True):
        if hasattr(connection, "close_pool"):  # PostgreSQL: its threads do not survive a fork
            connection.close_pool()
    caches.close_all()


def post_fork(server, worker):
    """In a new worker: end with Gunicorn, however that ends, and say what it does."""
    die_with_parent(worker.ppid)
    threaded = worker.cfg.worker_class_str == "gthread"
    worker.line = scoreboard.Line(server.scoreboard, worker.slot, threaded)
    scoreboard.listening = [listener.sock for listener in worker.sockets]


def child_exit(server, worker):
    """In Gunicorn, when a worker has ended: its slot is free."""
    server.scoreboard.release(worker.slot)


def on_exit(server):
    """Nobody writes on the scoreboard any more."""
    server.scoreboard.remove()


def pre_request(worker, request):
    """In place of Gunicorn's own hook, which writes a line of debugging."""
    worker.line.begin(request, scoreboard.waited_ns(request))


def post_request(worker, request, environ, response):
    worker.line.end(request)


def post_worker_init(worker):
    """The application is loaded and warm: what it consists of is never garbage.

    Without this the collector walks through all of it now and then, and some page waits for that.
    """
    gc.collect()
    gc.freeze()
    worker.line.ready()
