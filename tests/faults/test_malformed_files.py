"""Whatever lies in var/ in the place of our files: every page is served, without what it held."""

import html
import json
import re

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
EXHAUSTIVE_ONLY = pytest.mark.exhaustive
SEEDS = [pytest.param(COUNT, 1), pytest.param(EXHAUSTIVE, 2, marks=EXHAUSTIVE_ONLY)]

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
@pytest.mark.long
def test_the_contents_page_takes_any_last_result(client, tmp_path, count, seed):
    path = tmp_path / "results" / "n-plus-one.json"

    assert not find_broken(client, path, files_like(RESULT, count, seed), ["/"])


@pytest.mark.parametrize(("count", "seed"), SEEDS)
@pytest.mark.long
def test_the_address_of_a_trace_takes_any_file(client, tmp_path, count, seed):
    path = tmp_path / "traces" / f"{TRACE_ID}.json"
    pages = [f"/traces/{TRACE_ID}.json", *(f"/traces/{TRACE_ID}/{n}/plan/" for n in range(2))]

    assert not find_broken(client, path, files_like(TRACE, count, seed), pages)


@pytest.mark.parametrize("kind", ["load", "classes", "tuning", "autoscale"])
@pytest.mark.parametrize(("count", "seed"), SEEDS)
@pytest.mark.long
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


@pytest.fixture
def panels(client, tmp_path, monkeypatch):
    """The files of the toolbar's panels of one inspected page, by the panels' names."""
    monkeypatch.setattr(store_of_toolbar, "FOLDER", tmp_path / "toolbar")
    page = client.get("/experiments/n-plus-one/slow/?movies=3&inspect=1").content.decode()
    [folder] = (tmp_path / "toolbar").iterdir()
    assert folder.name in page
    found = {path.stem: path for path in folder.glob("*.json")}
    assert len(found) > 5
    return found


def panel_page(panel):
    return f"/__debug__/render_panel/?request_id={panel.parent.name}&panel_id={panel.stem}"


def press(client, panels, button="select"):
    """Press Sel or Expl beside the first statement; the page's answer."""
    content = client.get(panel_page(panels["SQLPanel"])).json()["content"]
    signed = html.unescape(re.search(r'name="signed" value="([^"]*)"', content)[1])
    return lambda: client.post(f"/__debug__/sql_{button}/", {"signed": signed})


@pytest.mark.parametrize(("count", "seed"), [(5, 1), pytest.param(100, 2, marks=EXHAUSTIVE_ONLY)])
@pytest.mark.long
def test_the_toolbar_takes_any_file_of_a_panel(client, panels, count, seed):
    for panel in panels.values():
        asked = f"request_id={panel.parent.name}&panel_id={panel.stem}"
        pages = [panel_page(panel), f"/__debug__/history_sidebar/?{asked}"]
        pages += [f"/__debug__/history_refresh/?{asked}"]
        whole = panel.read_bytes()
        assert client.get(pages[0]).json()["content"]

        broken = find_broken(client, panel, files_like(json.loads(whole), count, seed), pages)

        assert not broken, panel.stem
        panel.write_bytes(whole)


@pytest.mark.parametrize("button", ["select", "explain"])
def test_the_buttons_of_the_sql_panel_take_any_file(client, panels, button):
    panel = panels["SQLPanel"]
    ask = press(client, panels, button)
    whole = panel.read_bytes()
    assert "movies_movie" in ask().json()["content"]

    for what, content in files_like(json.loads(whole), 20, 3):
        panel.write_bytes(content)
        assert ask().status_code in (200, 410), what
    panel.unlink()

    assert ask().status_code == 410


def changed(panel, text):
    """The panel's file with another text, and the signature of the one before."""
    return json.dumps({**json.loads(panel.read_text()), "panel": text})


FOREIGN = {  # each is whole JSON, and would be shown if nobody had looked
    "changed statement": lambda panels: changed(
        panels["SQLPanel"],
        json.loads(panels["SQLPanel"].read_text())["panel"].replace("SELECT", "DELETE"),
    ),
    "without a signature": lambda panels: json.loads(panels["SQLPanel"].read_text())["panel"],
    "another panel's": lambda panels: panels["CachePanel"].read_text(),
    "half a character": lambda panels: changed(panels["SQLPanel"], "\ud800"),
    "a signature of another type": lambda panels: '{"panel": "{}", "signature": ["x"]}',
    "half a character in the signature": lambda panels: '{"panel": "{}", "signature": "\\ud800"}',
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_panel_that_the_toolbar_has_not_written_is_gone(client, panels, content):
    ask = press(client, panels)
    foreign = content(panels)

    panels["SQLPanel"].write_text(foreign)

    assert client.get(panel_page(panels["SQLPanel"])).status_code == 410
    assert ask().status_code == 410
    assert client.get(panel_page(panels["CachePanel"])).status_code == 200
    asked = f"request_id={panels['SQLPanel'].parent.name}"
    assert "CachePanel" in client.get(f"/__debug__/history_sidebar/?{asked}").json()
    assert client.get(f"/__debug__/history_refresh/?{asked}").json()["requests"]


def test_a_panel_of_another_request_or_version_is_gone(client, panels, tmp_path, monkeypatch):
    other = tmp_path / "toolbar" / ("f" * 32) / "SQLPanel.json"
    other.parent.mkdir()
    other.write_bytes(panels["SQLPanel"].read_bytes())

    assert client.get(panel_page(other)).status_code == 410
    monkeypatch.setattr(store_of_toolbar, "VERSION", "0.1")
    assert client.get(panel_page(panels["SQLPanel"])).status_code == 410


@pytest.mark.parametrize(
    "address",
    [
        *("render_panel/", "render_panel/?request_id=x&panel_id=x", "render_panel/?panel_id=x"),
        "render_panel/?request_id=REQUEST",
        "render_panel/?request_id=REQUEST&panel_id=NoPanel",
        "render_panel/?request_id=REQUEST&panel_id=../../../results/n-plus-one",
        "render_panel/?request_id=../REQUEST&panel_id=SQLPanel",
        "render_panel/?request_id=REQUEST%00&panel_id=SQLPanel%00",
        *("history_sidebar/", "history_sidebar/?request_id=x", "history_refresh/"),
        *("sql_select/", "sql_select/?signed=x", "sql_select/?signed=%00:%ff", "sql_profile/"),
        *("sql_explain/", "sql_explain/?signed={}:x", "sql_explain/?signed=::::"),
        *("template_source/", "template_source/?template_origin=x:y:z", "nothing/", ""),
        "template_source/?template_origin=%00&template=%ff",
    ],
)
def test_an_odd_address_of_the_toolbar_is_answered(client, panels, address):
    request_id = panels["SQLPanel"].parent.name
    address = f"/__debug__/{address.replace('REQUEST', request_id)}"

    for method in (client.get, client.post, client.head, client.options):
        assert method(address).status_code < 500


def test_odd_things_in_the_toolbar_s_folder_are_passed_by(client, panels, tmp_path):
    folder = tmp_path / "toolbar"
    (folder / "file").write_text("x")
    (folder / ("a" * 32)).write_text("a file with the name of a folder")
    (folder / ("b" * 32)).mkdir()
    (folder / ("c" * 32) / "HistoryPanel.json").mkdir(parents=True)
    (folder / ("d" * 32)).symlink_to(folder / "nowhere")

    for request_id in ("a" * 32, "b" * 32, "c" * 32, "d" * 32, panels["SQLPanel"].parent.name):
        for page in ("history_refresh", "history_sidebar", "render_panel"):
            address = f"/__debug__/{page}/?request_id={request_id}&panel_id=HistoryPanel"
            assert client.get(address).status_code < 500, (page, request_id)


def test_a_whole_file_is_shown(client, tmp_path):
    (tmp_path / "results" / "n-plus-one.json").write_text(json.dumps(RESULT))
    (tmp_path / "traces" / f"{TRACE_ID}.json").write_text(json.dumps(TRACE))

    assert last_results.read("n-plus-one")["small"] == "3.5× faster"
    assert client.get("/").status_code == 200
    assert client.get(f"/traces/{TRACE_ID}.json").json()["groups"][0]["count"] == 1
    assert client.get(f"/traces/{TRACE_ID}/0/plan/").status_code == 200
