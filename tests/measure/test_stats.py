"""Test the statistics against values computed by hand and by scipy 1.17.1 and numpy 2.4.6."""

import ast
import random
import statistics
import sys

import pytest

from perflab.measure import stats
from perflab.measure.stats import Ratio, median, p95, quantile, ratio_of_medians
from tests.support.labs import ROOT

SLOW = [41.2, 38.9, 40.1, 39.5, 55.0, 40.7, 39.9, 41.8, 40.3, 62.4, 39.2, 40.0]
FAST = [4.1, 3.9, 4.4, 4.0, 4.2, 6.8, 4.3, 4.0, 3.8, 4.1, 4.5, 4.2]
LIKE = [1.00, 1.02, 0.98, 1.05, 0.97, 1.01, 1.60, 0.99, 1.03, 1.00]
ALIKE = [1.01, 0.99, 1.04, 0.96, 1.02, 1.00, 0.98, 1.90, 1.01, 1.03]


def timings(chance, count, typical=20.0):
    """Like a page's: most near each other, some much longer, none shorter than possible."""
    return [typical * chance.lognormvariate(0, 0.15) for _ in range(count)]


@pytest.mark.parametrize(
    ("values", "middle"), [([3], 3), ([1, 2], 1.5), ([9, 1, 2], 2), ([4, 1, 3, 2], 2.5)]
)
def test_the_median_is_the_middle(values, middle):
    assert median(values) == middle


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7], 0.95, 7),
        ([0, 100], 0.95, 95),
        ([0, 10, 20, 30, 40], 0.5, 20),
        ([40, 0, 10, 20, 30], 0.95, 38),  # position 3.8: between 30 and 40
        (list(range(21)), 0.95, 19),
        (SLOW, 0.95, 58.33),  # numpy.percentile(SLOW, 95)
        (SLOW, 0.025, 38.9825),  # numpy.percentile(SLOW, 2.5)
        (FAST, 0.95, 5.535),
        (FAST, 1, 6.8),
        (FAST, 0, 3.8),
    ],
)
def test_quantiles_are_linear_between_neighbours(values, share, expected):
    assert quantile(values, share) == pytest.approx(expected)


def test_p95_is_what_python_calls_inclusive():
    values = timings(random.Random(4), 37)

    assert p95(values) == pytest.approx(statistics.quantiles(values, n=20, method="inclusive")[-1])


@pytest.mark.parametrize(
    ("first", "last", "ratio", "low", "high"),
    [
        # scipy.stats.bootstrap((first, last), ratio of numpy.medians, method="percentile",
        # n_resamples=200_000, random_state=numpy.random.default_rng(1))
        (SLOW, FAST, 9.68675, 9.24138, 10.1875),
        (LIKE, ALIKE, 0.995050, 0.970588, 1.030303),
    ],
)
def test_the_interval_is_the_one_that_scipy_finds(first, last, ratio, low, high):
    found = ratio_of_medians(first, last)

    assert found.value == pytest.approx(ratio, rel=1e-5)
    assert found.low == pytest.approx(low, rel=0.005)
    assert found.high == pytest.approx(high, rel=0.005)


def test_the_same_timings_give_the_same_interval():
    random.seed(99)  # which chance elsewhere must not change
    one = ratio_of_medians(SLOW, FAST)
    random.seed(7)

    assert ratio_of_medians(list(SLOW), list(FAST)) == one


def test_timings_that_never_vary_have_an_interval_of_no_width():
    assert ratio_of_medians([12.0] * 5, [3.0] * 5) == Ratio(4, 4, 4)


def test_a_ratio_of_a_page_to_itself_holds_one_nearly_always(monkeypatch):
    monkeypatch.setattr(stats, "RESAMPLES", 400)
    chance = random.Random(1)

    wrong = sum(
        ratio_of_medians(timings(chance, 20), timings(chance, 20)).differs for _ in range(200)
    )

    assert wrong <= 10  # one in twenty


@pytest.mark.parametrize("factor", [1.3, 4, 50])
def test_a_true_ratio_lies_in_its_interval_nearly_always(monkeypatch, factor):
    monkeypatch.setattr(stats, "RESAMPLES", 400)
    chance = random.Random(2)

    found = [
        ratio_of_medians(timings(chance, 20, 5 * factor), timings(chance, 20, 5)) for _ in range(60)
    ]

    assert sum(one.low <= factor <= one.high for one in found) >= 54
    assert all(one.differs for one in found if factor > 2)


def test_a_single_slow_run_does_not_move_the_ratio_far():
    moved = ratio_of_medians([*SLOW[:-1], 4000.0], FAST)

    assert moved.value == pytest.approx(ratio_of_medians(SLOW, FAST).value, rel=0.05)


def test_more_runs_make_a_narrower_interval():
    chance = random.Random(3)

    def width(runs):
        found = ratio_of_medians(timings(chance, runs), timings(chance, runs))
        return found.high - found.low

    assert width(200) < width(20) / 2


def test_no_timings_have_no_statistics():
    with pytest.raises(ValueError, match="no median"):
        median([])
    with pytest.raises(IndexError):
        p95([])


@pytest.mark.parametrize(
    ("ratio", "differs"),
    [
        (Ratio(1.2, 1.1, 1.3), True),
        (Ratio(0.8, 0.7, 0.9), True),
        (Ratio(1.2, 0.9, 1.3), False),
        (Ratio(1.2, 1, 1.3), False),
    ],
)
def test_an_interval_that_holds_one_is_no_difference(ratio, differs):
    assert ratio.differs is differs


def test_the_statistics_know_nothing_but_the_standard_library():
    tree = ast.parse((ROOT / "perflab/measure/stats.py").read_text())
    names = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    sources = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]

    assert all(not node.level for node in sources)
    assert {*names, *(node.module.split(".")[0] for node in sources)} <= sys.stdlib_module_names
