"""Test which variant is best in a lesson's figure, and which loses. tests/recorded/ has more."""

import pytest

from perflab.catalogue import registry
from perflab.compare import figures
from perflab.compare.figures import Shown
from tests.recorded.write_fixtures import timings

QUICK, LONG = timings(4, 20, 4.3), timings(3, 20, 9.4)


def conclude(figure, *ladder):
    variants = [Shown(str(number), *one) for number, one in enumerate(ladder)]
    return figures.conclude(figure, variants)


def test_a_lesson_can_show_itself_in_each_figure_and_no_other():
    assert tuple(figures.FIGURES) == registry.FIGURES


def test_the_best_is_the_last_unless_another_one_is_measurably_faster():
    assert conclude("time", (9, LONG), (4, QUICK), (4, QUICK)).best == "2"
    assert conclude("time", (9, LONG), (4, QUICK), (9, LONG)).best == "1"
    assert conclude("queries", (9, LONG), (1, QUICK), (2, QUICK)).best == "1"


def test_where_nothing_beats_the_first_the_last_one_is_shown_as_losing():
    found = conclude("time", (4, QUICK), (9, LONG))

    assert (found.best, found.shown, found.losers) == ("0", "1", {"1": "slower"})
    assert found.ratio.value < 1


def test_less_memory_is_worth_some_time_and_fewer_queries_alone_are_not():
    assert conclude("memory", (9e6, QUICK), (1e6, LONG)).losers == {}
    assert conclude("queries", (101, QUICK), (1, LONG)).losers == {"1": "slower"}
    assert conclude("queries", (1, QUICK), (2, QUICK)).losers == {"1": "more queries"}


def test_a_wrong_page_is_never_the_best_however_fast_it_is():
    found = conclude(
        "correctness", (None, LONG, True), (None, QUICK, False, "lies"), (None, LONG, True)
    )

    assert (found.best, found.losers) == ("2", {"1": "lies"})


@pytest.mark.parametrize(
    ("figure", "before", "after", "text"),
    [
        ("queries", 101, 1, "101 → 1 query"),
        ("queries", 1, 101, "1 → 101 queries"),
        ("memory", 43_612_345, 580_000, "43.6 → 0.58 MB"),
        ("bytes", 72421, 4296, "72,421 → 4,296 bytes"),
        ("cache_calls", 100, 1, "100 → 1 cache call"),
        ("time", 40.04, 4.26, "40.0 → 4.26 ms"),
        ("cpu_time", 13.42, 3.88, "13.4 → 3.88 ms of CPU"),
        ("memory", None, 580_000, ""),
    ],
)
def test_a_change_is_written_with_its_unit_once(figure, before, after, text):
    assert figures.format_change(figure, before, after) == text
