"""Test the buttons that change the collection: who may press them, and what becomes of it."""

import json
import re
import time
from contextlib import ExitStack
from urllib.parse import urlencode

import psutil
import pytest

from tests.support.labs import Lab, manage
from tests.support.services import PostgreSQL, or_skip, wait_until

OFFER = "/experiments/missing-index/"
# The seeding of a page, and nothing else, gets an SQLite that may not grow much.
SMALL_DISK = """
import sqlite3, sys

if "perflab.catalogue.seeding_process" in sys.orig_argv:
    connect = sqlite3.dbapi2.connect

    def connect_to_small_disk(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA max_page_count=5000")
        return connection

    sqlite3.dbapi2.connect = connect_to_small_disk
"""
WHOLE_S = 240  # for which a run may take on a busy machine


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.exhaustive)],
)
def shared_lab(request, seeded_database):
    with ExitStack() as started:
        url = ""
        if request.param == "postgresql":
            server = or_skip(PostgreSQL)
            started.callback(server.remove)
            url = server.url
        yield started.enter_context(
            Lab(seeded_database, workers=2, DATABASE_URL=url, PERFLAB_TOOLBAR="0")
        )


@pytest.fixture
def lab(shared_lab):
    """A lab of 1,851 films whose collection this test may change."""
    yield shared_lab
    if state_of(shared_lab)["films"] != 1851:
        start(shared_lab, 1851, reset="1")
        wait_for_end(shared_lab)


def state_of(lab):
    return json.loads(lab.get("/collection.json").text)


def press(lab, path, accept="application/json", **values):
    """Send the form of a page's button, as a browser would."""
    page = lab.get(OFFER)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    cookie = page.headers["Set-Cookie"].split(";")[0]
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    headers |= {"Accept": accept, "Referer": f"{lab.url}{OFFER}"}
    return lab.request("POST", path, headers, urlencode({"csrfmiddlewaretoken": token, **values}))


def start(lab, films, **values):
    answer = press(lab, "/collection/seed/", films=films, **values)
    assert answer.status == 202, answer.text


def process_of(lab):
    """Return the process that writes films for a page of this lab."""
    found = [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "perflab.catalogue.seeding_process" in (process.info["cmdline"] or [])
        and (process.info["environ"] or {}).get("PERFLAB_VAR") == str(lab.var)
    ]
    assert len(found) == 1
    return found[0]


def wait_for_writing(lab):
    def writes():
        last = state_of(lab)["last"]
        return last and last["stage"] == "writing" and last["films"]

    wait_until(writes, "the first films", WHOLE_S)


def wait_for_end(lab):
    wait_until(lambda: not state_of(lab)["seeding"], "the end of the seeding", WHOLE_S)
    return state_of(lab)["last"]


def shown(lab, films):
    """Return whether a variant shows so many films, and refuses to show one more."""
    path = "/experiments/n-plus-one/fast/?movies="
    return lab.get(f"{path}{films}").status, lab.get(f"{path}{films + 1}").status


def test_a_page_adds_films_and_takes_them_away_again(lab):
    start(lab, 3000)
    added = wait_for_end(lab)
    many = shown(lab, 3000)
    start(lab, 1851, reset="1")
    wait_for_end(lab)

    assert (added["problem"], added["was_stopped"], added["films"]) == ("", False, 3000)
    assert many == (200, 400)
    assert shown(lab, 1851) == (200, 400)
    assert state_of(lab)["films"] == 1851


def test_a_seeding_that_is_stopped_leaves_the_films_as_they_were(lab):
    start(lab, 1_000_000)
    wait_for_writing(lab)
    process = process_of(lab)
    during = [json.loads(lab.get(f"{OFFER}rows.json").text), state_of(lab)["films"]]

    stopped = press(lab, "/collection/stop/")
    last = wait_for_end(lab)

    assert during == [{"rows": 1751, "seeding": True}, 1851]
    assert stopped.status == 202
    assert (last["was_stopped"], last["problem"]) == (True, "")
    assert shown(lab, 1851) == (200, 400)
    wait_until(lambda: not process.is_running(), "the end of its process", 60)  # and no zombie


def test_measured_requests_go_on_meanwhile_and_another_seeding_is_refused(lab):
    start(lab, 1_000_000)
    wait_for_writing(lab)

    pages = [lab.get("/experiments/n-plus-one/fast/?movies=20").status for _ in range(10)]
    again = press(lab, "/collection/seed/", films=2000)
    press(lab, "/collection/stop/")
    wait_for_end(lab)

    assert pages == [200] * 10
    assert again.status == 409
    assert "being written already" in json.loads(again.text)["problem"]


def test_a_seeding_outlives_the_worker_whose_page_started_it(lab):
    start(lab, 60_000)
    wait_for_writing(lab)
    process = process_of(lab)

    for pid in lab.worker_pids():
        psutil.Process(pid).kill()
    wait_until(lambda: lab.get("/health/").status == 200, "new workers", 60)

    assert wait_for_end(lab)["problem"] == ""
    assert state_of(lab)["films"] == 60_000
    wait_until(
        lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE,
        "the end of its process",
        60,
    )


def test_a_seeding_that_is_killed_says_so_and_leaves_the_films_as_they_were(lab):
    start(lab, 1_000_000)
    wait_for_writing(lab)

    process_of(lab).kill()
    last = wait_for_end(lab)

    assert "ended from outside" in last["problem"]
    assert "ended from outside" in lab.get(OFFER).text
    assert shown(lab, 1851) == (200, 400)
    start(lab, 2000)  # nothing is in its way
    assert wait_for_end(lab)["problem"] == ""


def test_the_end_of_the_lab_ends_a_seeding(start_lab):
    lab = start_lab(workers=1)
    assert state_of(lab) == {"films": 1851, "seeding": False, "last": None}
    start(lab, 1_000_000)
    wait_for_writing(lab)
    process = process_of(lab)

    psutil.Process(lab.process.pid).terminate()

    wait_until(lambda: not process.is_running(), "the end of its process", 60)


def test_a_disk_that_is_full_gives_a_reason_and_is_given_back(start_lab, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(SMALL_DISK)
    lab = start_lab(workers=1, PYTHONPATH=str(tmp_path))

    start(lab, 100_000)
    last = wait_for_end(lab)

    assert "database or disk is full" in last["problem"]
    assert "database or disk is full" in lab.get(OFFER).text
    assert shown(lab, 1851) == (200, 400)
    assert (lab.var / "perflab.sqlite3-wal").stat().st_size < 4_000_000


def test_a_terminal_that_writes_films_is_seen_by_pages(lab):
    environment = {name: lab.environment[name] for name in ("DATABASE_URL", "PERFLAB_VAR")}

    manage("seed", "--movies=4000", **environment)

    last = state_of(lab)["last"]
    assert (last["by_page"], last["films"], last["has_ended"]) == (False, 4000, True)
    assert shown(lab, 4000) == (200, 400)


@pytest.mark.parametrize("films", ["", "0", "-1", "abc", "5000001"])
def test_a_number_of_films_that_cannot_be_is_refused(lab, films):
    answer = press(lab, "/collection/seed/", films=films)

    assert answer.status == 400
    assert "films" in json.loads(answer.text)["problem"]


def test_without_a_script_the_button_leads_back_to_its_page(lab):
    back = press(lab, "/collection/seed/", accept="text/html", films=2000, back=OFFER)
    wait_for_end(lab)
    elsewhere = press(
        lab, "/collection/seed/", accept="text/html", films=2100, back="https://example.org/"
    )
    wait_for_end(lab)
    nothing = press(lab, "/collection/stop/", accept="text/html")

    assert (back.status, back.headers["Location"]) == (302, OFFER)
    assert (elsewhere.status, elsewhere.headers["Location"]) == (302, "/")
    assert nothing.status == 409
    assert "The collection was not changed" in nothing.text


@pytest.mark.parametrize("path", ["/collection/seed/", "/collection/stop/"])
def test_only_a_local_visitor_with_a_token_may_change_the_collection(lab, path):
    assert lab.get(path).status == 405
    assert lab.request("POST", path).status == 403
    assert lab.request("POST", path, {"X-Forwarded-For": "203.0.113.7"}).status == 403
    far = lab.get(OFFER, {"X-Forwarded-For": "203.0.113.7"}).text
    assert '<button type="submit">Add' not in far
    assert "manage.py seed --movies 100000" in far
    time.sleep(0.1)
    assert not state_of(lab)["seeding"]
