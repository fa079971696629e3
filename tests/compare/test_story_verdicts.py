"""Test the verdicts on a story's answers, by the fixture to which JavaScript keeps as well."""

import json
from pathlib import Path

import pytest

from perflab.compare.story_verdicts import MARKS, Cell, Facts, judge_cell, judge_variant

RECORDED = json.loads(
    (Path(__file__).parents[1] / "recorded/story_cells.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", RECORDED["cells"], ids=lambda case: case["name"])
def test_a_cell_has_the_verdict_that_its_facts_give(case):
    cell = judge_cell(Facts.from_json(case["facts"]))

    assert cell == Cell(**case["cell"])


@pytest.mark.parametrize("case", RECORDED["variants"], ids=lambda case: case["words"])
def test_a_variant_is_right_only_if_all_its_cells_are(case):
    verdict = judge_variant("plain", [Cell(**cell) for cell in case["cells"]])

    assert (verdict.right, verdict.words) == (case["right"], case["words"])


def test_the_fixture_has_every_mark():
    assert {case["cell"]["mark"] for case in RECORDED["cells"]} == set(MARKS)
