"""The lessons on large tables and many rows: what each variant does, where counts do not tell."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from movies.models import Draft, Movie
from perflab.catalogue import registry
from perflab.compare import clients, runner
from perflab.compare.promises import body
from tests.labs import ROOT, Lab

here = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


def page_of(client, slug, variant, **knobs):
    """A variant's whole page."""
    response = client.get(f"/experiments/{slug}/{variant}/", {"cache": "locmem", **knobs})
    page = body(response)
    assert response.status_code == 200, page
    return page


def statements(client, slug, variant, **knobs):
    """What a variant asks the database, statement by statement."""
    with CaptureQueriesContext(connection) as captured:
        page_of(client, slug, variant, **knobs)
    return [query["sql"] for query in captured.captured_queries]


# Deep pages. -----------------------------------------------------------------------------------

PAGES_OF_FILMS = ("slow", "either", "fast")


@here
@pytest.mark.parametrize("number", [1, 10, 100, 10_000])
def test_every_page_is_the_same_however_it_is_found(client, number):
    slow, either, fast = (
        page_of(client, "deep-pages", variant, page=number, movies=20) for variant in PAGES_OF_FILMS
    )

    films = Movie.objects.order_by("year", "id")[20 * (number - 1) : 20 * number]
    assert fast == either == slow
    assert slow.count("<tr><td>") == len(films)
    assert ("There is no such page" in slow) == (number > 93)


def plan_of_the_films(client, variant):
    """The statement for the films of a deep page whose key a link has brought, and its plan."""
    page = {"page": 10, "movies": 100, "cache": "locmem"}
    for trace in ("", "1"):
        response = client.get(f"/experiments/deep-pages/{variant}/", page | {"trace": trace})
    trace = f"/traces/{response['X-Perflab-Trace']}"
    events = client.get(f"{trace}.json").json()["events"]
    (number,) = (n for n, event in enumerate(events) if event["kind"] == "query")
    if connection.vendor == "postgresql":  # which would read so small a table as a whole
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    return events[number]["sql"], client.get(f"{trace}/{number}/plan/").content.decode()


@here
@pytest.mark.parametrize("variant", PAGES_OF_FILMS)
def test_only_the_comparison_of_rows_begins_in_the_middle_of_the_index(client, variant):
    statement, plan = plan_of_the_films(client, variant)

    begins = {"sqlite": "(year>?)", "postgresql": "Index Cond: (ROW(year, id) >= ROW("}
    assert "movie_year_id" in plan
    assert (begins[connection.vendor] in plan) == (variant == "fast")
    assert ("OFFSET" in statement) == (variant == "slow")


@here
def test_who_jumps_to_a_deep_page_pays_for_the_offset_once(client):
    jump = statements(client, "deep-pages", "fast", cold="jump")
    link = statements(client, "deep-pages", "fast", cold="jump")

    assert ["OFFSET" in statement for statement in jump] == [True, False]
    assert ["OFFSET" in statement for statement in link] == [False]


# The expensive count. --------------------------------------------------------------------------


@here
def test_only_the_slow_variant_counts(client):
    counted, estimated, neither = (
        " ".join(statements(client, "expensive-count", variant, movies=10))
        for variant in ("slow", "estimate", "fast")
    )

    assert "COUNT(*)" in counted
    assert "COUNT(" not in estimated + neither
    assert "LIMIT 11" in neither


@here
@pytest.mark.parametrize("variant", ["slow", "estimate", "fast"])
def test_every_variant_knows_whether_there_is_a_next_page(client, variant):
    before_the_last = page_of(client, "expensive-count", variant, movies=1850)
    the_last = page_of(client, "expensive-count", variant, movies=1851)

    assert "There are more." in before_the_last
    assert "There are more." not in the_last
    assert before_the_last.count("<li>") == 1850
    assert the_last.count("<li>") == 1851


@here
def test_an_estimate_is_as_old_as_the_last_analyze(client):
    film = Movie.objects.first()
    film.pk, film.imdb_id = None, None
    film.save()

    exact = page_of(client, "expensive-count", "slow")
    estimate = page_of(client, "expensive-count", "estimate")
    neither = page_of(client, "expensive-count", "fast")

    assert '<p class="lead">1,852 films</p>' in exact
    assert '<p class="lead">About 1,851 films</p>' in estimate
    assert "1,85" not in neither


# Writing. --------------------------------------------------------------------------------------

WRITERS = [
    (slug, variant.name)
    for slug in ("bulk-writes", "bulk-update")
    for variant in registry.get(slug).variants
]


@here
@pytest.mark.parametrize(("slug", "variant"), WRITERS)
def test_what_is_written_is_shown_and_gone(client, slug, variant):
    page = page_of(client, slug, variant, movies=10)

    assert page.count("<tr><td>") == 10
    assert page.count(f"<td>{1 if slug == 'bulk-update' else 0}</td>") == 10
    assert not Draft.objects.exists()


@here
@pytest.mark.parametrize(("slug", "variant"), WRITERS)
def test_a_page_that_fails_leaves_nothing_and_touches_nobody_elses(
    client, slug, variant, monkeypatch
):
    def fail(*args):
        assert Draft.objects.filter(year__gt=1).exists()
        raise ZeroDivisionError

    monkeypatch.setattr(sys.modules[registry.get(slug).slow.view.__module__], "render", fail)
    Draft.objects.create(batch="another request", title="still at work", year=1)
    long_ago = timezone.now() - timedelta(minutes=11)
    Draft.objects.create(batch="a killed worker", title="left behind", year=1, made=long_ago)

    response = client.get(f"/experiments/{slug}/{variant}/", {"movies": 10})

    assert response.status_code == 500
    assert [draft.title for draft in Draft.objects.all()] == ["still at work"]


@here
def test_the_middle_variant_writes_the_same_statements_in_one_transaction(client):
    def told(variant):
        kinds = [statement.split()[0] for statement in statements(client, "bulk-writes", variant)]
        return [kind for kind in kinds if kind in ("INSERT", "SAVEPOINT", "RELEASE")]

    one_by_one = told("slow")
    together = told("transaction")

    assert one_by_one == ["INSERT"] * 100
    assert together == ["SAVEPOINT", *["INSERT"] * 100, "RELEASE"]


@here
@pytest.mark.parametrize(("variant", "votes"), [("slow", 1), ("fast", 6)])
def test_a_vote_in_between_is_lost_unless_the_database_adds(client, variant, votes):
    voted = []

    def vote_before_the_first_update(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and not voted:
            voted.append(True)
            Draft.objects.update(votes=5)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(vote_before_the_first_update):
        page = page_of(client, "bulk-update", variant, movies=10)

    assert voted
    assert page.count(f"<td>{votes}</td>") == 10


# The streamed export. --------------------------------------------------------------------------


@here
def test_what_a_stream_holds_does_not_grow_with_it(monkeypatch):
    # The test's own transaction is to outlive the requests.
    database = type(connections["default"])
    monkeypatch.setattr(database, "close_if_unusable_or_obsolete", lambda self: None)

    def peak(variant, rows):
        url = f"/experiments/streaming-export/{variant}/"
        with clients.in_process() as client:
            return runner.memory_peak(client, {"url": url, "name": variant}, {"movies": rows})

    peak("fast", 1)  # what is loaded once and for all
    held = {variant: (peak(variant, 100), peak(variant, 500)) for variant in ("slow", "fast")}

    assert held["slow"][1] > 3 * held["slow"][0]
    assert held["fast"][1] < 1.3 * held["fast"][0]
    assert held["slow"][1] > 5 * held["fast"][1]


@here
@pytest.mark.parametrize("read", ["all", "one piece"])
def test_a_stream_far_from_its_database_is_counted_once_and_leaves_no_wrapper(client, read):
    response = client.get("/experiments/streaming-export/fast/", {"round_trip": 1, "trace": "1"})
    pieces = iter(response)

    first = next(pieces)
    if read == "all":
        list(pieces)
    response.close()

    trace = client.get(f"/traces/{response['X-Perflab-Trace']}.json").json()
    assert first.count(b"\n") == 500
    assert [event["kind"] for event in trace["events"]] == ["query"]
    assert trace["sql_ms"] >= 1  # the wait is in it
    assert connection.execute_wrappers == []


# Connections. ----------------------------------------------------------------------------------

BACKENDS = """
import json
from django.db import connections
from perflab import clients, registry

answered = {}
with clients.in_process() as client:
    for variant in registry.get("connections").variants:
        for _ in range(8):
            asked = []
            def note(execute, sql, params, many, context):
                asked.append(context["connection"].connection.info.backend_pid)
                return execute(sql, params, many, context)
            for connection in connections.all():
                connection.execute_wrappers.append(note)
            answer = client.get(f"/experiments/connections/{variant.name}/?movies=5")
            assert answer.status == 200, answer.body
            for connection in connections.all():
                connection.execute_wrappers.remove(note)
            answered.setdefault(variant.name, []).extend(asked)
print(json.dumps(answered))
"""


@pytest.fixture(scope="module")
def lab_on_postgresql(postgresql):
    """A lab of two workers with two threads each."""
    with Lab(workers=2, threads=2, DATABASE_URL=postgresql.url) as lab:
        yield lab


def test_only_the_slow_variant_makes_a_connection_for_every_request(lab_on_postgresql):
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", BACKENDS],
        cwd=ROOT,
        env=lab_on_postgresql.environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    asked = json.loads(done.stdout)
    backends = {variant: len(set(pids)) for variant, pids in asked.items()}
    assert [len(pids) for pids in asked.values()] == [8, 8, 8]
    assert backends["slow"] == 8
    assert backends["persistent"] == 1
    assert backends["fast"] <= 4  # the size of the pool
    assert not set(asked["persistent"]) & set(asked["fast"])


def test_each_workers_pool_ends_with_it_in_silence(lab_on_postgresql):
    lab = lab_on_postgresql
    answers = [lab.get("/experiments/connections/fast/?movies=5") for _ in range(12)]

    lab.process.terminate()
    lab.process.wait(20)

    log = lab.log_text()
    assert {answer.status for answer in answers} == {200}
    assert {answer.timing["queries"] for answer in answers} == {1}
    assert "Traceback" not in log
    assert "rror" not in log


@pytest.mark.skipif(connection.vendor == "postgresql", reason="there it can be run")
def test_elsewhere_the_lesson_says_what_it_needs(client):
    response = client.get("/experiments/connections/fast/")

    assert response.status_code == 409
    assert "DATABASE_URL" in response.content.decode()
