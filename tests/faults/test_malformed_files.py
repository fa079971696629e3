"""Whatever lies in var/ in the place of our files: every page is served, without what it held."""

import json

import pytest
from django.test import Client

from perflab.compare import last_results
from perflab.load import store
from perflab.measure import traces
from perflab.web.toolbar import store as store_of_toolbar
from tests.support.load_runs import full_run
from tests.support.mutations import files_like

pytestmark = pytest.mark.django_db

COUNT = 150  # malformed files of each kind
EXHAUSTIVE = 500
SEEDS = [pytest.param(COUNT, 1), pytest.param(EXHAUSTIVE, 2, marks=pytest.mark.exhaustive)]

RESULT = {
    "ratio": 3.5,
    "low": 3.1,
    "high": 3.9,
    "big": "101 → 1 query",
    "small": "3.5× faster",
    "movies": 100,
}
RESULT |= {"round_trip": 0.0, "when": "2026-01-01T12:00:00+00:00"}
RESULT |= {"other_cores": 0.1, "check": [1.0, 0.9, 1.1]}
QUERY = {"kind": "query", "start_ms": 1.5, "ms": 0.4, "sql": "SELECT 1", "params": []}
QUERY |= {"shape": "SELECT ?", "where": {"file": "movies/a.py", "line": 3, "text": "slow()"}}
CALL = {"kind": "cache", "start_ms": 2.5, "ms": 0.1, "backend": "redis", "outcome": "hit"}
CALL |= {"where": None}
TRACE = {"version": 1, "memory_peak": None, "path": "/", "total_ms": 9.5, "sql_ms": 0.4}
TRACE |= {"cache_ms": 0.1, "left_out": 0, "events": [QUERY, CALL]}
TRACE_ID = "0123456789abcdef"


@pytest.fixture
def client(settings, tmp_path, monkeypatch):
    settings.VAR = tmp_path
    monkeypatch.setattr(traces, "FOLDER", tmp_path / "traces")
    for name in ("runs", "results", "traces", "toolbar"):
        (tmp_path / name).mkdir()
    return Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")


def find_broken(client, path, files, pages):
    """Return which of these files in that place make which page a 5xx."""
    broken = []
    for what, content in files:
        path.write_bytes(content)
        for page in pages:
            if client.get(page).status_code >= 500:
                broken.append((page, what, content[:200]))
    return broken


@pytest.mark.parametrize(("count", "seed"), SEEDS)
def test_the_contents_page_takes_any_last_result(client, tmp_path, count, seed):
    path = tmp_path / "results" / "n-plus-one.json"

    assert not find_broken(client, path, files_like(RESULT, count, seed), ["/"])


@pytest.mark.parametrize(("count", "seed"), SEEDS)
def test_the_address_of_a_trace_takes_any_file(client, tmp_path, count, seed):
    path = tmp_path / "traces" / f"{TRACE_ID}.json"
    pages = [f"/traces/{TRACE_ID}.json", *(f"/traces/{TRACE_ID}/{n}/plan/" for n in range(2))]

    assert not find_broken(client, path, files_like(TRACE, count, seed), pages)


@pytest.mark.parametrize("kind", ["load", "classes", "tuning", "autoscale"])
@pytest.mark.parametrize(("count", "seed"), SEEDS)
def test_the_pages_of_load_runs_take_any_file(client, tmp_path, kind, count, seed):
    run = full_run(kind)
    path = tmp_path / "runs" / f"{run.id}.json"
    other = tmp_path / "runs" / "20260101-110000-other-1.json"
    other.write_bytes(b"{}")
    page = f"/load/{run.id}/"
    pages = ["/load/", page, f"/load/{run.id}.json", f"{page}throughput.svg", "/tuning/"]
    pages += [f"{page}report/1/", f"/load/compare/?run={run.id}&run={other.stem}", "/load/now.json"]

    assert not find_broken(client, path, files_like(run.to_json(), count, seed), pages)


def test_a_report_that_is_no_report_is_a_404(client, tmp_path):
    run = full_run()
    (tmp_path / "runs" / f"{run.id}.json").write_text("{}")
    store.write(run)
    path = store.report_path(run.id, 1)

    for what, content in files_like({"a": 1}, 10, 1):
        path.write_bytes(content)

        assert client.get(f"/load/{run.id}/report/1/").status_code in (200, 404), what


@pytest.mark.parametrize(("count", "seed"), [(5, 1)])
def test_the_toolbar_takes_any_file_of_a_panel(client, tmp_path, monkeypatch, count, seed):
    monkeypatch.setattr(store_of_toolbar, "FOLDER", tmp_path / "toolbar")
    page = client.get("/experiments/n-plus-one/slow/?movies=3&inspect=1").content.decode()
    [folder] = (tmp_path / "toolbar").iterdir()
    panels = sorted(folder.glob("*.json"))
    assert folder.name in page
    assert len(panels) > 5

    for panel in panels:
        asked = f"request_id={folder.name}&panel_id={panel.stem}"
        pages = [f"/__debug__/render_panel/?{asked}", f"/__debug__/history_sidebar/?{asked}"]
        pages += [f"/__debug__/history_refresh/?{asked}"]
        whole = panel.read_bytes()
        assert client.get(pages[0]).json()["content"]

        broken = find_broken(client, panel, files_like(json.loads(whole), count, seed), pages)

        assert not broken, panel.stem
        panel.write_bytes(whole)


def test_a_whole_file_is_shown(client, tmp_path):
    (tmp_path / "results" / "n-plus-one.json").write_text(json.dumps(RESULT))
    (tmp_path / "traces" / f"{TRACE_ID}.json").write_text(json.dumps(TRACE))

    assert last_results.read("n-plus-one")["small"] == "3.5× faster"
    assert client.get("/").status_code == 200
    assert client.get(f"/traces/{TRACE_ID}.json").json()["groups"][0]["count"] == 1
    assert client.get(f"/traces/{TRACE_ID}/0/plan/").status_code == 200
