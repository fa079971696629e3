"""Expensive pages that are asked for at once: as many begin as can be made, and visitors go on."""

import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from perflab.workers import scoreboard
from perflab.workers.scoreboard import expensive
from tests.support.services import undisturbed
from tests.support.workers import worker_on

PUBLIC = {
    **{"PERFLAB_PUBLIC": "1", "PERFLAB_HTTPS": "0", "ALLOWED_HOSTS": "127.0.0.1"},
    "SECRET_KEY": secrets.token_urlsafe(50),
}
EXPENSIVE = "/experiments/ladder/naive/?movies=200&round_trip=1"  # a second or so


def ask_at_once(lab, path, count):
    """Ask for a page so often at the same time; the answers."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: lab.get(path, timeout=120), range(count)))


@pytest.mark.parametrize("shape", [{"workers": 2}, {"workers": 1, "threads": 3}])
def test_a_public_lab_keeps_a_place_for_other_visitors(start_lab, shape):
    lab = start_lab(**shape, **PUBLIC)
    assert lab.get(EXPENSIVE).status == 200

    def ask():
        with ThreadPoolExecutor(4) as pool:
            until = time.monotonic() + 3

            def go_on(_):
                answers = []
                while time.monotonic() < until:
                    answers.append(lab.get(EXPENSIVE, timeout=60))
                return answers

            clients = [pool.submit(go_on, number) for number in range(4)]
            longest = 0
            while time.monotonic() < until:
                started = time.monotonic()
                assert lab.get("/films/1/").status == 200
                longest = max(longest, time.monotonic() - started)
                time.sleep(0.05)
            return longest, [answer for one in clients for answer in one.result()]

    longest, answers = undisturbed(ask, lambda found: found[0] < 1, times=3)

    assert longest < 1
    assert {answer.status for answer in answers} == {200, 503}
    refused = next(answer for answer in answers if answer.status == 503)
    assert "Too many expensive pages" in refused.text
    assert int(refused.headers["Retry-After"]) > 0


def test_a_private_lab_begins_no_more_than_it_can_make(start_lab):
    application = "tests.support.breaking_lab:wsgi"  # a page has 2 s
    lab = start_lab(workers=1, threads=16, application=application)

    answers = ask_at_once(lab, "/experiments/n-plus-one/slow/?movies=25&round_trip=50", 16)

    statuses = Counter(answer.status for answer in answers)
    assert statuses.keys() == {200, 503}
    refused = [answer for answer in answers if "Too many expensive pages" in answer.text]
    assert refused
    assert lab.get("/experiments/n-plus-one/slow/?movies=25&round_trip=50").status == 200


def test_a_worker_counts_what_it_has_under_way_and_its_end_frees_it(tmp_path, monkeypatch):
    board = scoreboard.Scoreboard(tmp_path / "board", slots=3, threads=2)
    number, writer = worker_on(board)
    monkeypatch.setattr(expensive, "_own", [writer])

    with scoreboard.expensive_page(700, lambda *found: found == (0, 700, 2)):
        assert expensive.count(board.map) == (1, 700, 2)
        with pytest.raises(scoreboard.TooMany):
            scoreboard.expensive_page(50, lambda *found: found != (1, 750, 2)).__enter__()
        with scoreboard.expensive_page(50, lambda *found: True):
            assert expensive.count(board.map) == (2, 750, 2)
    assert expensive.count(board.map) == (0, 0, 2)

    scoreboard.expensive_page(50, lambda *found: True).__enter__()
    board.release_slot(number)
    assert expensive.count(board.map) == (0, 0, 0)
