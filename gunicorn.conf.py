"""Gunicorn's settings. `gunicorn perflab.wsgi` reads this file from the working directory.

PORT, WEB_CONCURRENCY and WEB_THREADS set the port, the workers and the threads of each worker;
command-line options override them.
"""

import contextlib
import gc
import importlib
import os
import sys

from perflab.base import config as environment
from perflab.base import files, memory, network, paths
from perflab.base.entry import prepare_django
from perflab.base.processes import die_with_parent
from perflab.base.sqlite_file import check_sqlite_file
from perflab.workers import access_log, scoreboard, serving


def refuse(problem, status=1):
    print(f"perflab: {problem}", file=sys.stderr, flush=True)
    sys.exit(status)


try:
    address = network.Address.default()
    bind = str(address)
    workers = environment.read_workers()
    threads = environment.read_threads()
    prepare_django()
    var = paths.var_folder()
    control_socket = str(paths.socket_path(var, f"gunicorn-{address.port}.sock"))
except environment.Problem as problem:
    refuse(problem, problem.status)
except OSError as error:
    refuse(f"{error.strerror}: {error.filename}")

memory.use_one_heap()
serving.install()  # no client can hold these workers by sending half a request
worker_class = "gthread" if threads > 1 else "sync"
# Each worker loads the application for itself: the caches' clients do not survive a fork, and a
# reload (HUP) has to find new code. The libraries are loaded once, before the workers: a new worker
# then costs 0.3 s of CPU instead of 1 s.
preload_app = False
LIBRARIES = (
    *("django.contrib.staticfiles", "django.core.handlers.wsgi", "django.core.management"),
    *("django.db.models", "django.forms", "django.template.backends.django", "django.test"),
    *("django.views.debug", "dj_database_url", "django_redis", "redis", "pymemcache", "psycopg"),
    *("httpx", "markdown_it", "pygments.lexers", "whitenoise"),
)
# A worker that is busy for so long is killed. Its page is ended before: at settings.PAGE_DEADLINE_S
# where it runs queries, else by the worker itself (perflab/workers/serving/sync.py).
timeout = 30
sendfile = False  # socket.sendfile waits for its client without end. Static files are small.
graceful_timeout = 15
# Heartbeats are written to memory: on a busy disk a healthy worker could seem to hang.
if os.access("/dev/shm", os.W_OK):
    worker_tmp_dir = "/dev/shm"

# Gunicorn believes X-Forwarded-Proto only of a balancer on this machine, or of those that
# FORWARDED_ALLOW_IPS names. No request may say under which path the site lies (SCRIPT_NAME).
forwarded_allow_ips = environment.read_variable("FORWARDED_ALLOW_IPS") or "127.0.0.1,::1"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
forwarder_headers = ""

accesslog = "-"
access_log_format = access_log.FORMAT
logger_class = access_log.MillisecondLogger


def on_starting(server):
    """Refuse public addresses unless the lab is public, name the instance, check the settings."""
    for where in server.cfg.address:
        if not isinstance(where, int):  # a file descriptor, opened by another program: when_ready
            refuse_public_address(where)
    ports = [where[1] for where in server.cfg.address if isinstance(where, tuple)]
    if ports and ports[0] != address.port:  # --bind
        os.environ.setdefault("PERFLAB_INSTANCE", str(ports[0]))
        if server.cfg.control_socket == control_socket:
            own = paths.socket_path(var, f"gunicorn-{ports[0]}.sock")
            server.cfg.set("control_socket", str(own))
    disabled = server.cfg.control_socket_disable
    os.environ["PERFLAB_CONTROL_SOCKET"] = "" if disabled else server.cfg.control_socket
    if server.cfg.worker_class_str != "gevent":  # gevent has to patch the standard library first
        load_libraries()
    check_settings()


def load_libraries():
    """Import the libraries that every worker needs and that hold no connection."""
    # The toolbar tries GeoDjango, which looks for GDAL under twelve names: 0.3 s in each worker.
    sys.modules["django.contrib.gis"] = None
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # the application says so if it needs the library
            importlib.import_module(name)
    gc.freeze()


def check_settings():
    """End Gunicorn with one line if the settings cannot be used; a worker would show a traceback.

    The settings are imported in a process of their own, so that a reload finds changed settings.
    """
    pid = os.fork()
    if pid == 0:
        from django.core.exceptions import ImproperlyConfigured

        try:
            settings = importlib.import_module("perflab.settings")
            check_sqlite_file(settings.DATABASES["default"])
            check_login(settings)
        except (ImproperlyConfigured, environment.Problem) as error:
            print(f"perflab: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        except BaseException:  # a worker's traceback shows it
            pass
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit(1)


def check_login(settings):
    """Raise Problem if the Redis of REDIS_URL refuses the lab. One that is down may come back."""
    from perflab.caches.logins import find_refusal

    url = settings.REDIS_URL
    if url and (refusal := find_refusal(url, settings.CACHE_TIMEOUT_S)):
        raise environment.Problem(f"the Redis of REDIS_URL refuses the lab: {refusal}.")


def when_ready(server):
    """Check the addresses again, now those that Gunicorn listens on: systemd may open others.

    Only now the scoreboard is made. A Gunicorn whose port is taken must not replace the scoreboard
    of the lab that runs there.
    """
    for listener in server.LISTENERS:
        refuse_public_address(listener.getsockname())
        serving.guard(listener)
    make_scoreboard(server)


def make_scoreboard(server):
    """Make the file in which the workers say what they do; it outlives them, and a reload."""
    where = (listener.getsockname() for listener in server.LISTENERS)
    ports = [one[1] for one in where if isinstance(one, tuple)]
    path = var / f"scoreboard-{ports[0] if ports else address.port}"
    threads = server.cfg.threads if server.cfg.worker_class_str == "gthread" else 1
    try:
        slots = 2 * environment.MAX_WORKERS
        server.scoreboard = scoreboard.Scoreboard(path, slots, threads)
    except OSError as error:
        refuse(f"cannot make {path}: {error.strerror}")
    scoreboard.remove_orphans(var)
    files.remove_drafts(var)
    os.environ["PERFLAB_SCOREBOARD"] = str(path)


def refuse_public_address(where):
    """End Gunicorn if others can reach this socket address although the lab is not public."""
    if (
        isinstance(where, tuple)
        and not environment.is_public()
        and not network.is_loopback(where[0])
    ):
        listening = network.Address(*where[:2])
        refuse(network.NOT_PUBLIC.format(address=listening))


def pre_fork(server, worker):
    """Give a worker its slot on the scoreboard, which has enough of them for a reload too."""
    worker.slot = server.scoreboard.reserve_slot()
    if server.cfg.preload_app:
        close_connections()


def close_connections():
    """Close the connections of the application, which a worker would share with Gunicorn.

    Two processes on one connection to a database read each other's answers, and a client of
    Memcached hangs.
    """
    from django.core.cache import caches
    from django.db import connections

    connections.close_all()
    for connection in connections.all(initialized_only=True):
        if hasattr(connection, "close_pool"):  # PostgreSQL: a pool's threads end at a fork
            connection.close_pool()
    caches.close_all()


def post_fork(server, worker):
    """Prepare a new worker: it ends when Gunicorn ends, and writes into its slot."""
    die_with_parent(worker.ppid)
    threaded = worker.cfg.worker_class_str == "gthread"
    worker.slot_writer = scoreboard.SlotWriter(server.scoreboard, worker.slot, threaded)
    scoreboard.set_own_slot(worker.slot_writer)
    scoreboard.set_listening_sockets([listener.sock for listener in worker.sockets])
    if server.cfg.reuse_port:  # each worker listens for itself
        for listener in worker.sockets:
            serving.guard(listener)


def child_exit(server, worker):
    """Free the slot of a worker that has ended. Gunicorn's master calls this."""
    server.scoreboard.release_slot(worker.slot)


def on_exit(server):
    """Delete the scoreboard: no worker writes into it any more."""
    server.scoreboard.remove()


def pre_request(worker, request):
    """Count a request that begins. Gunicorn's own hook would write a debugging line."""
    worker.slot_writer.begin_request(request, scoreboard.queue_time_ns(request))


def post_request(worker, request, environ, response):
    """Count a request that has been answered."""
    worker.slot_writer.end_request(request)


def post_worker_init(worker):
    """Exempt the loaded application from garbage collection, and say that the worker is ready.

    Without this the collector walks through all of the application now and then, and some page
    waits for that.
    """
    gc.collect()
    gc.freeze()
    worker.slot_writer.mark_ready()
