"""What every test finds: an environment of its own, real servers, and the 1,851 real films.

Nothing of the user's environment reaches the lab under test but DATABASE_URL: with it the suite
runs on that database instead of SQLite.

A run selects tests by four markers. Two are set here, by the fixtures that a test asks for:
`server` by `may_start_servers`, on which every fixture that starts something depends, and `browser`
by `chromium`. A test without `server` that starts a process or connects to one fails. The others,
`long` and `exhaustive`, stand beside the tests.
"""

import os
import secrets
import shutil
import sys
import tempfile
from contextlib import ExitStack, suppress

import pytest

from tests.support import services
from tests.support.alone import alone
from tests.support.broken_lab import broken_lab  # noqa: F401
from tests.support.browsers import chromium, site, visitor  # noqa: F401
from tests.support.labs import Lab, SeededDatabase
from tests.support.services import or_skip

KEPT = ("PERFLAB_REQUIRE_SERVICES",)
DROPPED = (
    *("REDIS_URL", "MEMCACHED_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DEBUG"),
    *("PORT", "WEB_CONCURRENCY", "WEB_THREADS", "GUNICORN_CMD_ARGS"),
    "PYTHONDONTWRITEBYTECODE",  # each of the many processes would compile all modules anew
)
for name in list(os.environ):
    if name in DROPPED or (name.startswith("PERFLAB_") and name not in KEPT):
        del os.environ[name]

sys.dont_write_bytecode = False

FOLDER = services.folder_of_the_run()
# For all temporary files: of ours, of the processes that we start, and (below) of pytest itself.
os.environ["TMPDIR"] = tempfile.tempdir = str(FOLDER)
VAR = services.temporary_folder()
os.environ["PERFLAB_VAR"] = str(VAR)
os.environ["DJANGO_SETTINGS_MODULE"] = "perflab.settings"

RUNNING = {}  # the servers that the whole run shares, by the name of their class


def shared(kind):
    """The one server of this kind that tests share; they leave it as they found it."""
    if kind.__name__ not in RUNNING:
        RUNNING[kind.__name__] = kind()
    return RUNNING[kind.__name__]


def pytest_addoption(parser):
    options = parser.getgroup("perflab", "which tests run (without these: all but the exhaustive)")
    options.addoption("--quick", action="store_true", help="short ones without server and browser")
    help = "hostile requests to send in tests/faults/test_fuzz.py, to each kind of lab"
    options.addoption("--fuzz-requests", type=int, default=1500, help=help)
    options.addoption("--fuzz-seed", type=int, help="the seed to draw them from; 0: a new one")
    help = "how long tests/faults/test_soak.py asks for pages, for each database"
    options.addoption("--soak-minutes", type=float, default=0.5, help=help)
    options.addoption("--all", action="store_true", help="the exhaustive ones too", dest="every")


def names_files(config):
    """Say whether the command line names files: all of their tests run then."""
    return any(".py" in argument for argument in config.args)


def pytest_xdist_auto_num_workers(config):
    """Run the whole suite in several processes, each with servers of its own; one file in one."""
    if names_files(config):
        return 0
    if config.getoption("quick"):
        return max(2, min(os.cpu_count(), 4))
    return max(3, min(os.cpu_count(), 4))  # more than two cores: tests wait a good deal


def pytest_collection_modifyitems(config, items):
    """Mark each test by its fixtures, and deselect those that this run leaves out."""
    for item in items:
        if "may_start_servers" in item.fixturenames:
            item.add_marker("server")
        if "chromium" in item.fixturenames:
            item.add_marker("browser")
    left_out = set()
    if config.getoption("quick"):
        left_out = {"server", "browser", "long", "exhaustive"}
    elif not config.getoption("every") and not names_files(config):
        left_out = {"exhaustive"}
    deselected = [item for item in items if left_out & {mark.name for mark in item.iter_markers()}]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in set(deselected)]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    config.option.basetemp = config.option.basetemp or str(FOLDER / "t")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    if item.get_closest_marker("server"):
        return (yield)
    with alone(RUNNING.values()):
        return (yield)


def pytest_configure(config):
    """Start the caches, then load the settings that name them."""
    for line in (
        "server: starts a server or another process, or connects to one (set by its fixtures)",
        "browser: drives Chromium (set by its fixtures)",
        "long: takes a second or more, so --quick leaves it out",
        "exhaustive: runs only with --all",
    ):
        config.addinivalue_line("markers", line)
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        # This process only hands out the tests. In the others, which inherit its environment, the
        # settings are not to be loaded before the variables that they read are set.
        del os.environ["DJANGO_SETTINGS_MODULE"]
        return
    caches = {"REDIS_URL": services.Redis, "MEMCACHED_URL": services.Memcached}
    for variable, kind in {} if config.getoption("quick") else caches.items():
        with suppress(services.Missing):  # the lab goes on without; a test that needs it skips
            os.environ[variable] = shared(kind).url
    from django.conf import settings

    settings.DATABASES  # noqa: B018  (loads them: pytest-django then sets Django up)


def pytest_unconfigure(config):
    for service in RUNNING.values():
        service.remove()
    shutil.rmtree(FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def may_start_servers():
    """Let a test start processes and servers, and connect to them: it is marked `server`."""


@pytest.fixture(scope="session")
def redis_server(may_start_servers):
    return or_skip(shared, services.Redis)


@pytest.fixture(scope="session")
def valkey_server(may_start_servers):
    return or_skip(shared, services.Valkey)


@pytest.fixture(scope="session")
def memcached_server(may_start_servers):
    return or_skip(shared, services.Memcached)


@pytest.fixture(scope="session")
def postgresql(may_start_servers):
    return or_skip(shared, services.PostgreSQL)


@pytest.fixture
def own(may_start_servers):
    """A function that starts a server for this test alone, which may freeze, kill and restart it.

    `own(services.Redis, tcp=True)`, `own(services.PostgreSQL, log_statement="all")`.
    """
    with ExitStack() as started:

        def start(kind, **options):
            server = or_skip(kind, **options)
            started.callback(server.remove)
            return server

        yield start


@pytest.fixture
def own_redis(own):
    return own(services.Redis)


@pytest.fixture
def own_memcached(own):
    return own(services.Memcached)


@pytest.fixture
def own_postgresql(own):
    return own(services.PostgreSQL, log_statement="all")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The test database with the real films in it.

    No test is marked `django_db(transaction=True)`: it would empty the tables for all tests that
    follow in its process.
    """
    with django_db_blocker.unblock():
        from movies import seeding

        seeding.seed(1851)
    with pytest.MonkeyPatch.context() as patch:
        keep_transactions(patch)
        yield
    with django_db_blocker.unblock():
        from django.db import connections

        for connection in connections.all():  # one that is open keeps it from being dropped
            connection.close()
            if connection.vendor == "postgresql":
                connection.close_pool()


def keep_transactions(patch):
    """Let no request of InProcess close a connection within a test's transaction, and so end that.

    Django's own test client disconnects what does it, for its own requests alone.
    """
    from django.db.backends.base.base import BaseDatabaseWrapper

    close = BaseDatabaseWrapper.close_if_unusable_or_obsolete
    patch.setattr(
        BaseDatabaseWrapper,
        "close_if_unusable_or_obsolete",
        lambda connection: connection.in_atomic_block or close(connection),
    )


@pytest.fixture(scope="session")
def seeded_database(may_start_servers):
    """The real films in a SQLite file, to be copied."""
    database = SeededDatabase()
    yield database
    database.remove()


@pytest.fixture(scope="session")
def lab(seeded_database, redis_server):
    """A real lab that tests share: Gunicorn with two workers, SQLite and Redis."""
    with Lab(seeded_database, workers=2, REDIS_URL=redis_server.url) as lab:
        yield lab


@pytest.fixture
def start_lab(seeded_database):
    """A function that starts a lab for this test alone: `start_lab(workers=4, REDIS_URL=...)`.

    It has no toolbar unless PERFLAB_TOOLBAR is given: it starts the sooner.
    """
    with ExitStack() as started:

        def start(**options):
            return started.enter_context(
                Lab(seeded_database, **{"PERFLAB_TOOLBAR": "0", **options})
            )

        yield start


@pytest.fixture
def fresh():
    """Knobs with which every cache is cold."""
    return {"movies": 10, "cache": "locmem", "cold": f"t{secrets.token_hex(8)}"}


@pytest.fixture
def commits_at_once(monkeypatch):
    """Have `on_commit` call at once, as it does outside of the transaction around each test."""
    from django.db import transaction

    monkeypatch.setattr(transaction, "on_commit", lambda function, **options: function())
