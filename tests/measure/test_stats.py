"""Test the statistics against values computed by hand and by scipy 1.17.1 and numpy 2.4.6."""

import ast
import random
import statistics
import sys

import pytest

from perflab.measure import stats
from perflab.measure.stats import (
    Ratio,
    format_ratio,
    median,
    p95,
    quantile,
    ratio_of_rounds,
    split_rounds,
    two_digits,
)
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


def ratio_of(first, last):
    return ratio_of_rounds(split_rounds(first, last))


def test_student_s_interval_is_the_one_that_scipy_finds():
    # scipy.stats.ttest_1samp(numpy.log(numpy.divide(SLOW, FAST)), 0).confidence_interval(0.95)
    ratios = [one / other for one, other in zip(SLOW, FAST, strict=True)]

    low, high = stats.student_interval(ratios)

    assert low == pytest.approx(8.610438, rel=1e-4)
    assert high == pytest.approx(11.449423, rel=1e-4)


@pytest.mark.parametrize(
    ("freedom", "quantile"),  # scipy.stats.t.ppf(0.975, freedom)
    [
        (1, 12.7062),
        (4, 2.7764),
        (9, 2.2622),
        (11, 2.2010),
        (15, 2.1314),
        (30, 2.0423),
        (99, 1.9842),
    ],
)
def test_student_s_quantiles_are_those_of_the_tables(freedom, quantile):
    assert stats.student(freedom) == pytest.approx(quantile, abs=2e-4)


def test_the_ratio_is_the_median_of_the_rounds_ratios():
    rounds = [([8, 4, 6], [2, 3, 1]), ([10, 10], [2, 2]), ([9], [1])]  # 3, 5 and 9

    assert ratio_of_rounds(rounds).value == 5
    assert ratio_of_rounds(rounds[:2]).value == pytest.approx(15**0.5)


def test_the_ratio_of_the_last_to_the_first_is_the_inverse():
    forth, back = ratio_of(SLOW, FAST), ratio_of(FAST, SLOW)

    assert forth.value == pytest.approx(1 / back.value)
    assert forth.low == pytest.approx(1 / back.high, rel=0.01)
    assert forth.high == pytest.approx(1 / back.low, rel=0.01)


def test_what_slows_the_whole_machine_down_for_a_while_cancels():
    slowly = [ms * (3 if 4 <= place < 9 else 1) for place, ms in enumerate(SLOW)]
    fast = [ms * (3 if 4 <= place < 9 else 1) for place, ms in enumerate(FAST)]

    assert ratio_of(slowly, fast).value == pytest.approx(ratio_of(SLOW, FAST).value, rel=0.05)


def test_the_interval_holds_student_s_and_the_ratio_of_all_medians():
    first = [10, 10, 10, 30, 10, 10, 10, 30, 10, 30, 10, 30]  # at two levels
    rounds = split_rounds(first, [5.0] * 12)

    found = ratio_of_rounds(rounds)

    low, high = stats.student_interval([stats.median(one) / 5 for one, _ in rounds])
    assert found.low <= low < high <= found.high
    assert found.low <= stats.ratio_of_all(rounds) == 2 <= found.high

    two = ratio_of_rounds([([10.0], [5.0]), ([12.0], [5.0])])  # which hardly agree, for two
    assert two.low < 1.2
    assert two.high > 3.9


def test_rounds_that_are_like_their_neighbours_tell_less():
    ratios = [2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7, 2.8, 2.9]
    order = (0, 9, 1, 8, 2, 7, 3, 6, 4, 5)

    in_order = stats.student_interval(ratios)
    alternating = stats.student_interval([ratios[place] for place in order])

    assert in_order[1] - in_order[0] > 1.5 * (alternating[1] - alternating[0])


def test_the_same_timings_give_the_same_interval():
    random.seed(99)  # which chance elsewhere must not change
    one = ratio_of(SLOW, FAST)
    random.seed(7)

    assert ratio_of(list(SLOW), list(FAST)) == one


def test_timings_that_never_vary_have_an_interval_of_no_width():
    found = ratio_of([12.0] * 5, [3.0] * 5)

    assert (found.value, found.low, found.high) == (4, 4, 4)


def test_of_one_round_nothing_is_known_but_its_ratio():
    assert ratio_of([12.0], [3.0]) == Ratio(4, 0, float("inf"))
    assert not ratio_of([12.0], [3.0]).differs


def test_a_single_slow_run_does_not_move_the_ratio_far():
    moved = ratio_of([*SLOW[:-1], 4000.0], FAST)

    assert moved.value == pytest.approx(ratio_of(SLOW, FAST).value, rel=0.05)


def test_more_runs_make_a_narrower_interval():
    chance = random.Random(3)

    def width(runs):
        found = ratio_of(timings(chance, runs), timings(chance, runs))
        return found.high - found.low

    assert width(200) < width(20) * 0.75


@pytest.mark.parametrize("runs", [1, 3, 9, 10, 11, 25, 40, 199])
def test_the_runs_are_split_into_ten_rounds_of_about_equal_size(runs):
    values = list(range(1, runs + 1))

    rounds = split_rounds(values, [*values, 7])  # the last of the longer one has no neighbour

    assert len(rounds) == min(runs, 10)
    assert sum((list(first) for first, _ in rounds), []) == values
    assert all(first == last for first, last in rounds)
    assert max(map(len, map(min, rounds))) - min(map(len, map(min, rounds))) <= 1


def test_no_timings_have_no_statistics():
    with pytest.raises(ValueError, match="no median"):
        median([])
    with pytest.raises(IndexError):
        p95([])
    for rounds in ([], [([], [])], [([1.0], [0.0])]):
        with pytest.raises(ValueError, match=r"needs rounds|no median"):
            ratio_of_rounds(rounds)


@pytest.mark.parametrize(
    ("ratio", "differs"),
    [
        (Ratio(1.2, 1.1, 1.3), True),
        (Ratio(0.8, 0.7, 0.9), True),
        (Ratio(1.2, 0.9, 1.3), False),
        (Ratio(1.2, 1, 1.3), False),
        (Ratio(1.06, 1.04, 1.08), False),  # for readers it begins at 1.0
        (Ratio(1.08, 1.06, 1.1), True),
        (Ratio(0.94, 0.93, 0.96), False),
        (Ratio(0.93, 0.92, 0.94), True),
    ],
)
def test_an_interval_that_holds_one_is_no_difference(ratio, differs):
    assert ratio.differs is differs


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        *((74.5, "75"), (33.6, "34"), (7, "7.0"), (1.3, "1.3"), (1, "1.0"), (0.5, "0.50")),
        *((0.949, "0.95"), (0.96, "1.0"), (1.04, "1.0"), (1.05, "1.1"), (9.96, "10")),
        *((1250, "1,300"), (0.0123, "0.012"), (0, "0"), (float("inf"), "∞")),
    ],
)
def test_a_ratio_is_written_with_two_significant_digits(ratio, text):
    assert format_ratio(ratio) == text
    assert format_ratio(two_digits(ratio)) == text


def test_the_statistics_know_nothing_but_the_standard_library():
    tree = ast.parse((ROOT / "perflab/measure/stats.py").read_text())
    names = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    sources = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]

    assert all(not node.level for node in sources)
    assert {*names, *(node.module.split(".")[0] for node in sources)} <= sys.stdlib_module_names
