"""Test the drawings of load pages."""

import re
from xml.etree import ElementTree

import pytest

from perflab.load import svg
from tests.support.load_runs import SVG, heights


def test_a_line_stands_where_its_numbers_are():
    drawn = svg.draw_lines("t", "users", "ms", [svg.Series("a", ((1, 0), (2, 50), (4, 100)))])

    low, middle, high = heights(drawn, "fast")
    assert middle == pytest.approx((low + high) / 2)
    assert high < low
    assert low - high == 300  # from zero to the top


def test_a_gap_is_no_line_and_no_mark():
    series = svg.Series("a", ((0, 1), (1, None), (2, 3), (3, 2)))

    drawing = svg.draw_over_time("t", [svg.Panel("ms", (series,))])

    (line,) = ElementTree.fromstring(drawing).iter(f"{SVG}path")
    assert re.sub("[^ML]", "", line.get("d")) == "MML"
    assert len(heights(drawing, "fast")) == 3


@pytest.mark.parametrize(
    ("top", "marks"),
    [
        (0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (130, [0, 25, 50, 75, 100, 125, 150]),
        (0.3, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]),
    ],
)
def test_an_axis_has_round_numbers(top, marks):
    assert svg.axis_ticks(top, most=6) == marks


def test_a_drawing_obeys_the_pages_policy_and_names_are_text():
    drawing = svg.draw_lines("<b>", "x", "y", [svg.Series("<i>", ((1, 1),)), svg.Series("b", ())])

    ElementTree.fromstring(drawing)
    assert not re.search(r"style=|<style|<script|<[bi]>", drawing)
