"""Test what a traced request tells: its statements and the line that asked for each."""

import time

import pytest
from django.test import Client

from perflab.measure import traces
from perflab.measure.probe import count_cache_call, probe

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(traces, "FOLDER", tmp_path / "traces")
    return tmp_path / "traces"


def traced(client, path):
    response = client.get(path + "&trace=1")
    return client.get(f"/traces/{response['X-Perflab-Trace']}.json").json()


def test_only_a_request_that_asks_is_traced(client, folder):
    response = client.get("/experiments/n-plus-one/slow/?movies=3")

    assert "X-Perflab-Trace" not in response
    assert not folder.exists()


def test_an_n_plus_one_is_the_template_s_line(client):
    found = traced(client, "/experiments/n-plus-one/slow/?movies=7")

    groups = {group["count"]: group for group in found["groups"]}
    assert sorted(groups) == [1, 7]
    assert groups[7]["where"]["file"] == "movies/with_directors.html"
    assert groups[7]["where"]["text"] == "movie.director.name"
    assert groups[7]["ms"] > 0
    assert groups[1]["where"]["text"] == "for movie in movies"


def test_a_query_of_the_view_s_own_is_the_view_s_line(client):
    found = traced(client, "/experiments/fragment-trap/slow/?movies=7")

    where = found["groups"][0]["where"]
    source = open("movies/experiments/fragment_trap.py").read().splitlines()  # noqa: SIM115
    assert where["file"] == "movies/experiments/fragment_trap.py"
    assert "list(" in source[where["line"] - 1]


def test_events_lie_inside_the_request_in_order(client):
    found = traced(client, "/experiments/low-level-cache/fast/?movies=7&cold=t1")

    starts = [event["start_ms"] for event in found["events"]]
    outcomes = [event["outcome"] for event in found["events"] if event["kind"] == "cache"]
    assert starts == sorted(starts)
    assert all(e["start_ms"] + e["ms"] <= found["total_ms"] + 0.01 for e in found["events"])
    assert outcomes == ["miss", "write"]


def test_a_reader_s_pause_is_not_in_the_times_of_a_trace():
    recorder = traces.Recorder()
    measuring = probe(recorder)

    for _ in range(2):  # as for a stream: its first chunk, then the rest
        time.sleep(0.2)
        with measuring as measurement:
            count_cache_call("redis", seconds=0)

    assert recorder.events[0]["start_ms"] <= recorder.events[1]["start_ms"]
    assert recorder.events[1]["start_ms"] <= measurement.total_ms < 200


def test_a_trace_is_not_part_of_the_page_s_address(client):
    response = client.get("/experiments/cache-page/fast/?movies=4&trace=1")

    assert "trace" not in response.wsgi_request.META["QUERY_STRING"]


def test_traces_are_bounded_in_number(client, folder, monkeypatch):
    monkeypatch.setattr(traces, "MAX_TRACES", 3)

    ids = [
        client.get("/experiments/n-plus-one/fast/?movies=1&trace=1")["X-Perflab-Trace"]
        for _ in range(5)
    ]

    assert len(list(folder.iterdir())) == 3
    assert client.get(f"/traces/{ids[-1]}.json").status_code == 200
    assert client.get(f"/traces/{ids[0]}.json").status_code == 404


def test_traces_are_bounded_in_size(client, monkeypatch):
    monkeypatch.setattr(traces, "MAX_EVENTS", 5)

    found = traced(client, "/experiments/n-plus-one/slow/?movies=20")

    assert len(found["events"]) == 5
    assert found["left_out"] == 16


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-For": "10.0.0.1"}, {"REMOTE_ADDR": "192.0.2.1"}], ids=str
)
def test_a_stranger_is_neither_traced_nor_shown_a_trace(client, headers):
    trace_id = client.get("/experiments/n-plus-one/fast/?movies=1&trace=1")["X-Perflab-Trace"]
    stranger = Client(SERVER_NAME="127.0.0.1", REMOTE_ADDR=headers.pop("REMOTE_ADDR", "127.0.0.1"))

    page = stranger.get("/experiments/n-plus-one/fast/?movies=1&trace=1", headers=headers)

    assert "X-Perflab-Trace" not in page
    assert stranger.get(f"/traces/{trace_id}.json", headers=headers).status_code == 403
    assert stranger.get(f"/traces/{trace_id}/0/plan/", headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["x.json", "0123456789abcdef.json", "..-..json", "a/9/plan/"])
def test_an_unknown_trace_is_a_404(client, path):
    assert client.get(f"/traces/{path}").status_code == 404
