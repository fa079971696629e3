"""What a cache or database that goes away costs, and what they see of the queries and calls.

tests/faults/test_parts.py breaks each part under each worker class.
"""

import re
import time
from collections import Counter

import pytest
import redis

from perflab import caches
from perflab.catalogue import registry
from tests.support import services
from tests.support.labs import Lab
from tests.support.loads import load
from tests.support.services import or_skip

DOCUMENT = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
CACHED = ("cache-page", "template-fragment", "fragment-trap", "low-level-cache")
UNCACHED = ("n-plus-one", "many-to-many", "reverse-relation")
WORKERS = 3


@pytest.fixture(scope="module")
def servers(may_start_servers):
    """A Redis and a Memcached of this module's own."""
    started = {}
    try:
        started["redis"] = or_skip(services.Redis)
        started["memcached"] = or_skip(services.Memcached)
        yield started
    finally:
        for server in started.values():
            server.remove()


@pytest.fixture(scope="module")
def cached_lab(seeded_database, servers):
    options = {"REDIS_URL": servers["redis"].url, "MEMCACHED_URL": servers["memcached"].url}
    with Lab(seeded_database, workers=WORKERS, PERFLAB_TOOLBAR="0", **options) as lab:
        yield lab


@pytest.fixture(scope="module")
def database_server(may_start_servers):
    server = or_skip(services.PostgreSQL, log_statement="all")
    yield server
    server.remove()


@pytest.fixture(scope="module")
def postgresql_lab(database_server):
    options = {"DATABASE_URL": database_server.url, "PERFLAB_TOOLBAR": "0"}
    with Lab(workers=WORKERS, **options) as lab:
        yield lab


def visit_every_worker(lab, path):
    """Request a path until every worker has answered once; the answers."""
    answers = []
    waiting = set(lab.worker_pids())
    services.wait_until(
        lambda: (
            answers.append(lab.get(path)) or not waiting - {a.timing["worker"] for a in answers}
        ),
        "an answer of every worker",
    )
    return answers


@pytest.mark.parametrize(
    ("alias", "how"),
    [
        ("redis", "frozen"),
        ("memcached", "killed"),
        pytest.param("redis", "killed", marks=pytest.mark.exhaustive),
        pytest.param("memcached", "frozen", marks=pytest.mark.exhaustive),
    ],
)
def test_a_cache_that_goes_away_under_load_costs_no_page(cached_lab, servers, alias, how):
    server = servers[alias]
    go_away = server.kill if how == "killed" else server.freeze
    come_back = server.start if how == "killed" else server.thaw
    paths = [f"/experiments/{slug}/fast/?movies=20&cache={alias}" for slug in CACHED]
    workers = set(cached_lab.worker_pids())

    with load(cached_lab, paths) as visits:
        time.sleep(0.7)
        left = time.monotonic()
        go_away()
        gone = time.monotonic()
        try:
            time.sleep(0.6)
            page = cached_lab.get(paths[0], DOCUMENT)
            health = cached_lab.get("/health/")
            time.sleep(0.6)
        finally:
            come_back()
        back = time.monotonic()
        time.sleep(2)
    page_after = cached_lab.get(paths[0], DOCUMENT)

    assert Counter(visit.status for visit in visits) == {200: len(visits)}
    # One short time-out at most; the rest of a page's time is the machine's, busy with other tests.
    assert max(visit.timing["cache"] for visit in visits) < 700
    durations = sorted(visit.ended - visit.began for visit in visits)
    assert durations[int(len(durations) * 0.9)] < 0.7
    before = [visit.timing for visit in visits if visit.ended < left]
    without = [v.timing for v in visits if v.began > gone and v.ended < back]
    again = [visit.timing for visit in visits if visit.began > back + 1]
    assert {timing["worker"] for timing in again} == workers
    assert [timing["errors"] for timing in before + again] == [0] * len(before + again)
    assert [timing["hits"] for timing in again if not timing["hits"]] == []
    assert without
    assert [timing for timing in without if not timing["errors"] or timing["hits"]] == []
    assert page.timing["cache"] < 700
    assert f"The cache {alias} does not answer" in " ".join(page.text.split())
    assert "does not answer" not in page_after.text
    assert health.status == 200
    assert '"status": "degraded"' in health.text
    assert f'"{alias}": "down"' in health.text


def test_a_flush_is_seen_by_every_worker_at_once(cached_lab, settings):
    settings.VAR = cached_lab.var
    path = "/experiments/low-level-cache/fast/?movies=20&cache=locmem"
    visit_every_worker(cached_lab, path)
    warm = visit_every_worker(cached_lab, path)

    caches.flush("low-level-cache")
    cold = visit_every_worker(cached_lab, path)

    assert {answer.timing["misses"] for answer in warm} == {0}
    first = {answer.timing["worker"]: answer.timing["hits"] for answer in reversed(cold)}
    assert first == dict.fromkeys(cached_lab.worker_pids(), 0)


def test_redis_sees_every_call_that_a_page_says_it_made(cached_lab, servers, settings):
    settings.VAR = cached_lab.var
    paths = [
        f"/experiments/{slug}/{variant.name}/?movies=20&cache=redis"
        for slug in UNCACHED + CACHED
        for variant in registry.get(slug).variants
    ]
    for slug in CACHED:
        caches.flush(slug)

    seen = []
    with redis.from_url(servers["redis"].url).monitor() as monitor:
        told = []
        for path in paths * 2:
            told.append(cached_lab.get(path).timing["calls"])
        redis.from_url(servers["redis"].url).echo("that was all")
        while "that was all" not in (command := monitor.next_command()["command"]):
            seen.append(command.split()[0])

    seen = [name for name in seen if name not in ("HELLO", "CLIENT", "SELECT")]  # new connections
    assert len(seen) == sum(told)
    assert set(seen) == {"GET", "SET"}


def executed(log, seen):
    """The statements that PostgreSQL logged after the first `seen` characters; how many now."""
    text = log.read_text()
    found = re.findall(r"^LOG:  (?:statement|execute [^:]*): (.*)", text[seen:], re.MULTILINE)
    return found, len(text)


def test_postgresql_executes_the_queries_that_a_page_says_it_made(postgresql_lab, database_server):
    visit_every_worker(postgresql_lab, "/films/")  # so that each has its connection
    seen = len(database_server.log.read_text())
    told = {}
    found = {}
    paths = ["/films/?q=the&page=2", "/films/1/", "/directors/1/", "/"]
    for slug in UNCACHED + CACHED:
        paths += [f"/experiments/{slug}/{r.name}/?movies=20" for r in registry.get(slug).variants]

    for path in paths * 2:
        told[path] = postgresql_lab.get(path).timing["queries"]
        statements, seen = executed(database_server.log, seen)
        # The health check of a connection that is used again.
        found[path] = len([statement for statement in statements if statement != "SELECT 1"])

    assert told == found
    assert max(told.values()) == 21


def test_postgresql_restarted_between_two_visits_costs_no_page(postgresql_lab, database_server):
    visit_every_worker(postgresql_lab, "/films/1/")
    database_server.stop()
    database_server.start()

    answers = visit_every_worker(postgresql_lab, "/films/1/")

    assert {answer.status for answer in answers} == {200}
