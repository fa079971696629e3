"""A stream fails at its first chunk with an error page, and later so that every client can tell."""

import contextlib
import http.client
import sqlite3

import pytest

from tests.support.labs import Lab

SHAPES = {
    "sync": {},
    "gthread": {"threads": 4},
    "gevent": {"arguments": ("--worker-class", "gevent")},
    "asgi": {"arguments": ("--worker-class", "asgi")},
}


@pytest.fixture(scope="module", params=SHAPES)
def breaking_lab(request, seeded_database):
    interface = "asgi" if request.param == "asgi" else "wsgi"
    application = f"tests.support.breaking_lab:{interface}"
    shape = SHAPES[request.param]
    with Lab(seeded_database, workers=1, application=application, **shape) as lab:
        yield lab


@pytest.mark.parametrize(
    ("how", "status", "words"), [("database", 503, "database"), ("defect", 500, "defect")]
)
def test_a_first_chunk_that_fails_is_an_error_page(breaking_lab, how, status, words):
    answer = breaking_lab.get(f"/breaks/?after=0&how={how}")

    assert answer.status == status
    assert "<h1>" in answer.text
    assert words in answer.text
    assert answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("how", ["database", "defect"])
@pytest.mark.parametrize("after", [1, 3])
def test_a_stream_that_breaks_midway_has_no_last_chunk(breaking_lab, how, after):
    connection = http.client.HTTPConnection("127.0.0.1", breaking_lab.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", f"/breaks/?after={after}&how={how}")
        # Under ASGI the first chunks may never have left.
        with pytest.raises((http.client.HTTPException, ConnectionResetError)) as raised:
            connection.getresponse().read()

    if isinstance(raised.value, http.client.IncompleteRead):
        assert raised.value.partial.count(b"chunk") == after
    assert breaking_lab.get("/health/").status == 200


def test_a_stream_without_its_table_is_a_503_page(start_lab):
    lab = start_lab(workers=1)
    assert lab.get("/experiments/streaming-export/fast/?movies=3").status == 200
    with contextlib.closing(sqlite3.connect(lab.var / "perflab.sqlite3")) as database:
        database.execute("ALTER TABLE movies_movie RENAME TO elsewhere")

    for variant in ("slow", "fast"):
        answer = lab.get(f"/experiments/streaming-export/{variant}/?movies=3")

        assert answer.status == 503
        assert "has no tables yet" in answer.text


def test_a_stream_from_a_postgresql_that_goes_away_is_a_503_or_is_cut(start_lab, own_postgresql):
    lab = start_lab(workers=1, DATABASE_URL=own_postgresql.url)
    path = "/experiments/streaming-export/fast/?movies=1851"
    whole = lab.get(path)
    assert whole.status == 200

    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", f"{path}&round_trip=1")
        answer = connection.getresponse()
        own_postgresql.kill()  # somewhere in the stream, or after it
        try:
            text = answer.read().decode()
        except (http.client.IncompleteRead, ConnectionResetError):
            text = None
    away = lab.get(path)
    own_postgresql.start()

    assert text in (None, whole.text)
    assert away.status == 503
    assert "The database does not answer" in away.text
    assert lab.get(path).text == whole.text
