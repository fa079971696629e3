"""Test when a run is judged, and what is said when it is not. tests/recorded/ has the cases."""

import pytest

from perflab.compare import judgement
from tests.recorded.write_fixtures import facts


def codes(**changes):
    found = judgement.find_reasons(judgement.Facts.from_json(facts(**changes)))
    return [reason["code"] for reason in found]


def test_a_run_that_keeps_what_it_promises_is_judged():
    assert codes() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rows_there": 0, "rows_after": 0}, "no_rows"),
        ({"rows_asked": 1852}, "rows"),
        ({"slow": {"rows": 99}}, "rows"),
        ({"rows_after": 1852}, "seeding"),
        ({"seeding": True}, "seeding"),
        ({"inspected": 1}, "inspected"),
        ({"story": "plain: there is one worker"}, "story"),
        ({"fast": {"queries": [0, 0]}}, "too_few_runs"),
        ({"fast": {"cache_errors": 1}}, "cache_errors"),
        ({"workers_after": [7, 9]}, "workers_changed"),
        ({"slow": {"queries": [102] * 6}}, "promise"),
        ({"fast": {"differs": True}}, "pages_differ"),
        ({"check_differs": True}, "machine_busy"),
    ],
)
def test_a_run_is_not_judged_for_one_reason(changes, code):
    assert codes(**changes) == [code]


def test_entries_may_expire_during_a_run_but_not_for_most_of_it():
    assert codes(fast={"queries": [2, 0, 0, 2, 0]}) == []
    assert codes(fast={"queries": [2, 0, 2, 2, 0]}) == ["promise"]
    assert codes(fast={"queries": [0, 0, 1, 0, 0]}) == ["promise"]


def test_what_follows_from_wrong_rows_or_a_dead_cache_is_no_reason_of_its_own():
    wrong = {"queries": [9] * 6, "differs": True}

    assert codes(rows_there=0, rows_after=0, fast=wrong) == ["no_rows"]
    assert codes(rows_asked=5000, fast=wrong) == ["rows"]
    assert codes(fast={"queries": [9] * 6, "cache_errors": 6}) == ["cache_errors"]


def test_a_worker_that_nobody_has_met_yet_is_no_new_one_where_the_lab_lists_its_workers():
    unlisted = {"workers_before": None, "workers_after": None}

    assert codes(workers_warm=[7]) == []
    assert codes(workers_warm=[7], **unlisted) == ["workers_changed"]


def test_facts_travel_as_json():
    found = judgement.Facts.from_json(facts())

    assert judgement.Facts.from_json(found.to_json()) == found


@pytest.mark.parametrize("code", judgement.WORDS)
def test_each_reason_is_one_sentence_and_says_what_to_do(code):
    what, do = judgement.WORDS[code]

    assert what.endswith(".")
    assert do.endswith(".")
    assert what != do
