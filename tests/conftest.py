"""What every test finds: an environment of its own, real servers, and the 1,851 real films.

Nothing of the user's environment reaches the lab under test but DATABASE_URL: with it the suite
runs on that database instead of SQLite.
"""

import os
import secrets
import shutil
from contextlib import ExitStack, suppress

import pytest

from tests.support import services
from tests.support.broken_lab import broken_lab  # noqa: F401
from tests.support.browsers import chromium, site, visitor  # noqa: F401
from tests.support.labs import Lab, SeededDatabase
from tests.support.services import or_skip

KEPT = ("PERFLAB_REQUIRE_SERVICES",)
DROPPED = (
    *("REDIS_URL", "MEMCACHED_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DEBUG"),
    *("PORT", "WEB_CONCURRENCY", "WEB_THREADS", "GUNICORN_CMD_ARGS"),
)
for name in list(os.environ):
    if name in DROPPED or (name.startswith("PERFLAB_") and name not in KEPT):
        del os.environ[name]

VAR = services.temporary_folder()
os.environ["PERFLAB_VAR"] = str(VAR)
os.environ["DJANGO_SETTINGS_MODULE"] = "perflab.settings"

RUNNING = {}  # the servers that the whole run shares, by the name of their class


def shared(kind):
    """The one server of this kind that tests share; they leave it as they found it."""
    if kind.__name__ not in RUNNING:
        RUNNING[kind.__name__] = kind()
    return RUNNING[kind.__name__]


def pytest_xdist_auto_num_workers(config):
    """Run the whole suite in several processes, each with servers of its own; one file in one."""
    if any(".py" in argument for argument in config.args):
        return 0
    return max(3, min(os.cpu_count(), 4))  # more than two cores: tests wait a good deal


def pytest_configure(config):
    """Start the caches, then load the settings that name them."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        # This process only hands out the tests. In the others, which inherit its environment, the
        # settings are not to be loaded before the variables that they read are set.
        del os.environ["DJANGO_SETTINGS_MODULE"]
        return
    for variable, kind in (("REDIS_URL", services.Redis), ("MEMCACHED_URL", services.Memcached)):
        with suppress(services.Missing):  # the lab goes on without; a test that needs it skips
            os.environ[variable] = shared(kind).url
    from django.conf import settings

    settings.DATABASES  # noqa: B018  (loads them: pytest-django then sets Django up)


def pytest_unconfigure(config):
    for service in RUNNING.values():
        service.remove()
    shutil.rmtree(VAR, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server():
    return or_skip(shared, services.Redis)


@pytest.fixture(scope="session")
def valkey_server():
    return or_skip(shared, services.Valkey)


@pytest.fixture(scope="session")
def memcached_server():
    return or_skip(shared, services.Memcached)


@pytest.fixture(scope="session")
def postgresql():
    return or_skip(shared, services.PostgreSQL)


@pytest.fixture
def own():
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

    A test marked `django_db(transaction=True)` empties the tables when it ends: pytest-django runs
    those last, and each that needs films seeds them itself.
    """
    with django_db_blocker.unblock():
        from movies import seeding

        seeding.seed(1851)
    yield
    with django_db_blocker.unblock():
        from django.db import connections

        for connection in connections.all():  # one that is open keeps it from being dropped
            connection.close()
            if connection.vendor == "postgresql":
                connection.close_pool()


@pytest.fixture(scope="session")
def seeded_database():
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
