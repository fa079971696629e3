"""Test the files in which the toolbar keeps what it saw."""

import html
from concurrent.futures import ThreadPoolExecutor

import pytest

from perflab.web.toolbar.store import SPARE, FolderStore
from tests.support.toolbar import SLOW, history, inspect, panel


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
