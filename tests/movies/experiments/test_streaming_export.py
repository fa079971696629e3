"""Test streaming-export: what a stream holds in memory, and how it is counted."""

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, connections
from django.http import StreamingHttpResponse
from django.test import Client

from movies.models import Movie
from perflab.compare import clients, lab_pages
from perflab.measure.probe import count_query
from tests.support.experiments import plan, statements_of

here = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


@here
def test_what_a_stream_holds_does_not_grow_with_it(monkeypatch):
    # The test's own transaction is to outlive the requests.
    database = type(connections["default"])
    monkeypatch.setattr(database, "close_if_unusable_or_obsolete", lambda self: None)

    def peak(variant, rows):
        url = f"/experiments/streaming-export/{variant}/"
        with clients.in_process() as client:
            return lab_pages.memory_peak(client, {"url": url, "name": variant}, {"movies": rows})

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
    assert connection.execute_wrappers == [count_query]  # no round trip any more


@here
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such cursors")
def test_a_cursor_outlives_its_statement_only_outside_of_a_transaction():
    other = connection.copy("other")  # outside of the test's transaction
    held = {}
    try:
        held["autocommit"] = other.chunked_cursor().cursor.withhold
    finally:
        other.close()
    held["transaction"] = connection.chunked_cursor().cursor.withhold

    assert held == {"autocommit": True, "transaction": False}


@here
def test_sqlite_sorts_nothing_before_the_first_row(client):
    (export,) = statements_of(client, "streaming-export", "fast", movies=1000)

    if connection.vendor == "sqlite":
        assert "movies_review_movie_id" in plan(export)
        assert "TEMP B-TREE" not in plan(export)
    else:  # which may sort some reviews at a time, or all where they are few
        assert 'ORDER BY "movies_review"."movie_id" ASC, "movies_review"."id" ASC' in export


@here
def test_an_iterator_after_a_prefetch_wants_the_size_of_its_portions():
    films = Movie.objects.prefetch_related("countries").order_by("id")

    with pytest.raises(ValueError, match="chunk_size must be provided"):
        next(films.iterator())

    assert next(films.iterator(chunk_size=10)).countries.all()


def test_under_asgi_an_ordinary_generator_is_consumed_as_a_whole():
    made = []

    def pieces():
        for number in range(3):
            made.append(number)
            yield b"x"

    async def first_piece():
        async for _ in StreamingHttpResponse(pieces()):
            return len(made)

    with pytest.warns(Warning, match="must consume synchronous iterators"):
        assert async_to_sync(first_piece)() == 3
