"""Test the files in which the toolbar keeps what it saw."""

import html
import re
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from perflab.base.files import size_of
from perflab.web.toolbar.store import LARGE_BYTES, MAX_BYTES, SPARE, FolderStore
from tests.support.toolbar import SLOW, history, inspect, panel, text_of


@pytest.fixture
def store(monkeypatch, tmp_path):
    monkeypatch.setattr("perflab.web.toolbar.store.FOLDER", tmp_path / "toolbar")
    return FolderStore


def ids(numbers):
    return [f"{number:032x}" for number in numbers]


def test_concurrent_requests_do_not_lose_each_other(store):
    def serve(request_id):
        store.set(request_id)
        for name in ("HistoryPanel", "SQLPanel"):
            store.save_panel(request_id, name, {"of": request_id})

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(serve, ids(range(160))))

    assert sorted(store.request_ids()) == ids(range(160))
    assert all(store.panel(id, "SQLPanel") == {"of": id} for id in ids(range(160)))


def test_the_oldest_requests_end_first_and_those_still_listed_last(store):
    for request_id in ids(range(300)):
        store.set(request_id)
        store.save_panel(request_id, "SQLPanel", {})

    listed = store.request_ids()

    assert listed == ids(range(100, 300))
    assert store.exists(ids([99])[0])  # History may be about to ask for it
    assert not store.exists(ids([300 - 200 - SPARE - 1])[0])


def test_all_panels_together_have_a_limit(store, tmp_path, monkeypatch):
    monkeypatch.setattr("perflab.web.toolbar.store.MAX_BYTES", 4 * MAX_BYTES // 64)
    large = {"text": "x" * (MAX_BYTES // 64 - 1000)}

    for request_id in ids(range(8)):
        store.set(request_id)
        store.save_panel(request_id, "SQLPanel", large)

        assert store.panel(request_id, "SQLPanel") == large
        total = sum(size_of(path) for path in (tmp_path / "toolbar").iterdir())
        assert total <= 4 * MAX_BYTES // 64
    assert len(store.request_ids()) == 4


def test_small_panels_make_room_when_the_next_request_begins(store, tmp_path, monkeypatch):
    monkeypatch.setattr("perflab.web.toolbar.store.MAX_BYTES", 4 * LARGE_BYTES)
    for request_id in ids(range(12)):
        store.set(request_id)
        for name in ("SQLPanel", "CachePanel"):
            store.save_panel(request_id, name, {"text": "x" * (LARGE_BYTES // 2)})

    store.set(ids([12])[0])

    assert sum(size_of(path) for path in (tmp_path / "toolbar").iterdir()) <= 4 * LARGE_BYTES
    assert ids([10, 11, 12]) == sorted(store.request_ids())[-3:]


@pytest.mark.parametrize(
    ("panel_id", "kept"), [("SQLPanel", 900), ("TemplatesPanel", 900), ("CachePanel", 600)]
)
def test_a_panel_that_is_too_large_is_left_out_and_says_so(
    db, store, tmp_path, monkeypatch, panel_id, kept
):
    monkeypatch.setattr("perflab.web.toolbar.store.MAX_PANEL_BYTES", kept)
    client = Client()
    knobs = f"movies=3&cold=t{secrets.token_hex(8)}"  # a page of a warm cache has no statement
    page = client.get(f"/experiments/template-fragment/fast/?{knobs}&inspect=1").content.decode()
    [request_id] = re.findall(r'data-request-id="(\w+)"', page)
    asked = f"request_id={request_id}&panel_id={panel_id}"

    answer = client.get(f"/__debug__/render_panel/?{asked}")
    buttons = client.get(f"/__debug__/history_sidebar/?{asked}").json()

    assert "This panel is left out: it takes 0.0 MB" in text_of(answer.json()["content"])
    assert "Too large to keep" in text_of(buttons[panel_id]["button"])
    assert "CPU" in text_of(buttons["TimerPanel"]["button"])
    assert size_of(tmp_path / "toolbar" / request_id / f"{panel_id}.json") < 300


@pytest.mark.parametrize("request_id", ["", ".", "..", "../..", "/etc", "0" * 31, "z" * 32])
def test_an_id_from_an_address_names_no_other_folder(store, request_id):
    store.set("0" * 32)

    assert not store.exists(request_id)


def test_a_panel_that_saved_nothing_is_empty(store):
    assert store.panel("0" * 32, "SQLPanel") == {}


def test_only_its_owner_reads_what_the_toolbar_saw(store, tmp_path):
    store.set("0" * 32)

    assert (tmp_path / "toolbar" / ("0" * 32)).stat().st_mode & 0o077 == 0


def test_a_disk_that_takes_nothing_costs_the_panels_not_the_page(start_lab):
    lab = start_lab(workers=1, PERFLAB_TOOLBAR="1")
    (lab.var / "toolbar").write_text("in the way of the folder")

    page = inspect(lab, f"{SLOW}?movies=5")

    content, _ = panel(lab, page, "SQLPanel")
    assert "isn't available anymore" in html.unescape(content)
    assert history(lab, page) == {}
