"""Test that the 95 % interval holds what is known, on timings that were recorded.

`python -m tests.recorded.record_series` records them, and tests/recorded/simulate.py draws
measurements from them: 1,000 altogether, and with --all 1,000 from each series.
"""

import pytest

from perflab.measure import stats
from tests.recorded.simulate import Series, read_all, simulate

HELD = 0.93  # of the intervals, at least: they are of 95 %, and 1,000 are counted
DIFFERED = 0.05  # of the measurements of a page against itself, at most
FACTORS = (1, 1.3, 7, 70)

ALL = read_all()
SAME = [series for series in ALL if series.is_same_page]
OTHERS = [series for series in ALL if not series.is_same_page]

same_pages = pytest.mark.parametrize("series", SAME, ids=lambda series: series.name)
other_pages = pytest.mark.parametrize("series", OTHERS, ids=lambda series: series.name)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """Draw fewer resamples than a measurement does, because there are so many measurements."""
    monkeypatch.setattr(stats, "RESAMPLES", 100)


def mean_held(found):
    return sum(one.held for one in found) / len(found)


def test_there_are_recorded_series_of_equal_and_of_different_pages():
    assert len(SAME) >= 4
    ratios = sorted(series.known_ratio for series in OTHERS)
    assert ratios[0] < 2
    assert ratios[-1] > 30


def test_of_a_thousand_intervals_93_in_100_hold_the_known_ratio():
    count = -(-1000 // len(ALL))

    found = [simulate(series, count) for series in ALL]

    assert mean_held(found) >= HELD


def test_a_page_against_itself_differs_in_at_most_5_of_100_measurements():
    count = -(-200 // len(SAME))

    for way in ("spread", "near"):
        found = [simulate(series, count, way=way) for series in SAME]

        assert sum(one.differed for one in found) / len(found) <= DIFFERED, way
        assert mean_held(found) >= HELD, way


@pytest.mark.exhaustive
@same_pages
@pytest.mark.parametrize("way", ["spread", "near"])
def test_each_series_of_one_page_holds_a_factor_that_is_put_in(series, way):
    for number, factor in enumerate(FACTORS):
        found = simulate(series, 250, way=way, factor=factor, seed=number)

        assert found.held >= HELD - 0.03  # 250 are counted
        assert factor > 1 or found.differed <= DIFFERED


@pytest.mark.exhaustive
@other_pages
@pytest.mark.parametrize("runs", [20, 40])
def test_each_series_of_two_pages_holds_the_ratio_of_all_of_it(series, runs):
    assert simulate(series, 1000, runs).held >= HELD


@pytest.mark.exhaustive
@same_pages
def test_five_rounds_are_enough_and_more_runs_tell_more(series):
    few = simulate(series, 300, runs=20, rounds=5)
    many = simulate(series, 300, runs=40)

    assert few.held >= HELD - 0.03
    assert many.width < few.width


def test_the_ratio_of_medians_drawn_independently_would_not_hold():
    """A machine whose load comes and goes: what the rounds are there for."""
    calm, loaded = ((10.0, 5.0),) * 4, ((30.0, 5.2),) * 4  # only the slow page waits
    series = Series("made", False, 0, (calm, calm, calm, loaded) * 25, tuple(range(100)))

    found = simulate(series, 100)

    assert series.known_ratio == 2
    assert found.held >= HELD
    assert found.width > 1.2  # ten rounds that do not agree
