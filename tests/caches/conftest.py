"""Provide LabCache in front of real Redis, Valkey, Memcached and local memory."""

import copy
import time

import pytest
from django.core.cache import cache

from perflab.caches import outages, using
from tests.support import services

SERVERS = {"redis": "redis_server", "valkey": "valkey_server", "memcached": "memcached_server"}


@pytest.fixture(autouse=True)
def nothing_is_left_alone(monkeypatch):
    monkeypatch.setattr(outages, "retry_at", {})


@pytest.fixture
def slug(request):
    """An experiment of this test's own, so that it finds nothing of another's."""
    return f"{request.node.originalname[:40].replace('_', '-')}-{time.monotonic_ns()}"


@pytest.fixture
def configure(settings):
    """A function that names a server in the settings; it returns the alias."""

    def configure(server):
        alias = "memcached" if server.name == "memcached" else "redis"
        backends = copy.deepcopy(settings.CACHE_BACKENDS)
        backends[alias]["LOCATION"] = server.url.removeprefix("memcached://")
        settings.CACHE_BACKENDS = backends
        settings.CACHES = copy.deepcopy(settings.CACHES)  # Django then makes new caches
        return alias

    return configure


@pytest.fixture(
    params=[*(pytest.param(name, marks=pytest.mark.server) for name in SERVERS), "locmem"]
)
def backend(request, configure):
    """The alias of one backend after the other."""
    if request.param == "locmem":
        return "locmem"
    return configure(request.getfixturevalue(SERVERS[request.param]))


@pytest.fixture
def chosen(backend, slug):
    """The backend, chosen for all calls of the test."""
    with using(backend, slug, "fast"):
        yield backend


@pytest.fixture(
    params=[
        (services.Redis, False),
        pytest.param((services.Redis, True), marks=pytest.mark.exhaustive),
        pytest.param((services.Memcached, False), marks=pytest.mark.exhaustive),
        (services.Memcached, True),
    ],
    ids=["redis-socket", "redis-tcp", "memcached-socket", "memcached-tcp"],
)
def server(request, own, configure, slug):
    """A server for this test alone. `with server.page():` makes calls as one page does."""
    kind, tcp = request.param
    server = own(kind, tcp=tcp)
    server.alias = configure(server)
    server.page = lambda: using(server.alias, slug, "fast")
    with server.page():
        cache.set("there", "a value")
    return server
