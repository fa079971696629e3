"""What a traced request tells: its statements, the line that asked, and the plan."""

import json
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from perflab.catalogue import registry
from perflab.measure import query_plan, traces
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
        time.sleep(0.02)
        with measuring as measurement:
            count_cache_call("redis", seconds=0)

    assert recorder.events[0]["start_ms"] <= recorder.events[1]["start_ms"]
    assert recorder.events[1]["start_ms"] <= measurement.total_ms < 20


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


def test_a_select_is_explained(client):
    trace_id = client.get("/experiments/many-to-many/fast/?movies=5&trace=1")["X-Perflab-Trace"]

    for statement in (0, 1):
        plan = client.get(f"/traces/{trace_id}/{statement}/plan/")
        assert plan.status_code == 200
        assert "movies_movie" in plan.content.decode()
    assert client.get(f"/traces/{trace_id}/99/plan/").status_code == 404


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "query", "sql": "DELETE FROM movies_review", "params": []},
        {"kind": "query", "sql": "SELECT 1; DELETE FROM movies_review", "params": []},
        {"kind": "query", "sql": "SELECT 1", "params": None},
        {"kind": "query", "sql": "SELECT * FROM no_such_table", "params": []},
        {"kind": "cache", "outcome": "hit"},
    ],
    ids=str,
)
def test_what_is_no_plain_select_is_not_explained(event):
    from movies.models import Review

    before = Review.objects.count()

    with pytest.raises(query_plan.NoPlan):
        query_plan.plan(event)

    assert Review.objects.count() == before


def test_a_result_that_was_measured_stands_on_the_contents_page(client, settings, tmp_path):
    settings.VAR = tmp_path
    result = {"ratio": 9.25, "low": 8.5, "high": 10, "movies": 100, "round_trip": 2}
    result |= {"slow_queries": 101, "fast_queries": 1}
    assert client.get("/").content.count(b"not run yet") == len(registry.runnable())

    assert client.post("/experiments/n-plus-one/result/", result).status_code == 204

    page = client.get("/").content.decode()
    assert page.count("not run yet") == len(registry.runnable()) - 1
    assert "<b>9.2×</b> faster" in page or "<b>9.3×</b> faster" in page
    assert "with 100 films, 2 ms of simulated round trip" in page
    assert json.loads((tmp_path / "results/n-plus-one.json").read_text())["queries"] == [101, 1]


def test_a_fast_variant_that_is_slower_is_called_slower(client, settings, tmp_path):
    settings.VAR = tmp_path
    result = {"ratio": 0.25, "low": 0.2, "high": 0.3, "movies": 10, "round_trip": 0}

    client.post("/experiments/n-plus-one/result/", result | {"slow_queries": 1, "fast_queries": 1})

    assert "<b>4.0×</b> slower" in client.get("/").content.decode()


def test_an_interval_that_holds_one_is_shown_as_no_difference(client, settings, tmp_path):
    settings.VAR = tmp_path
    result = {"ratio": 1.05, "low": 0.9, "high": 1.2, "movies": 10, "round_trip": 0}

    client.post("/experiments/n-plus-one/result/", result | {"slow_queries": 1, "fast_queries": 1})

    assert "no measurable difference" in client.get("/").content.decode()


@pytest.mark.parametrize(
    "change",
    [{"ratio": "x"}, {"ratio": "nan"}, {"ratio": "-1"}, {"low": "5"}, {"movies": "10000000"}]
    + [{"movies": ""}, {"round_trip": "51"}, {"slow_queries": "-1"}, {"high": "inf"}],
    ids=str,
)
def test_a_result_that_cannot_be_is_refused(client, settings, tmp_path, change):
    settings.VAR = tmp_path
    result = {"ratio": 2, "low": 1.5, "high": 3, "movies": 10, "round_trip": 0}

    response = client.post(
        "/experiments/n-plus-one/result/", result | {"slow_queries": 1, "fast_queries": 1} | change
    )

    assert response.status_code == 400
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("order", ["flush", "result"])
def test_orders_need_a_post_a_token_and_the_lab_s_own_machine(client, order):
    path = f"/experiments/cache-page/{order}/"
    strict = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")
    stranger = Client(SERVER_NAME="127.0.0.1", REMOTE_ADDR="192.0.2.1")

    assert client.get(path).status_code == 405
    assert strict.post(path).status_code == 403
    assert stranger.post(path).status_code == 403
    assert client.post(f"/experiments/no-such/{order}/").status_code == 404


def test_a_flush_reaches_this_experiment_in_every_worker_and_no_other(start_lab):
    lab = start_lab(workers=2)  # locmem: each worker has its own
    one, other = (f"/experiments/{s}/fast/?movies=5" for s in ("cache-page", "fragment-trap"))

    def queries_by_worker(path):
        """The queries of each worker's first and last answer, once each has answered twice."""
        answers = defaultdict(list)
        with ThreadPoolExecutor(2) as pool:  # together they keep both workers busy
            for _ in range(500):
                both = [answer.timing for answer in pool.map(lab.get, [path, path])]
                for timing in sorted(both, key=lambda timing: -timing["queries"]):
                    answers[timing["worker"]].append(timing["queries"])
                if len(answers) == 2 and min(map(len, answers.values())) > 1:
                    break
        return {queries[0] for queries in answers.values()}, {q[-1] for q in answers.values()}

    assert queries_by_worker(one) == ({2}, {0})
    assert queries_by_worker(other) == ({1}, {0})
    page = lab.get("/experiments/cache-page/")
    token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    cookie = page.headers["Set-Cookie"].split(";")[0]

    flushed = lab.request(
        "POST",
        "/experiments/cache-page/flush/",
        {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"},
        f"csrfmiddlewaretoken={token}",
    )

    assert flushed.status == 204
    assert queries_by_worker(one) == ({2}, {0})
    assert queries_by_worker(other) == ({0}, {0})
