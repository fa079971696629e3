"""Python and JavaScript compute the same statistics, ticks and formats, to the last digit.

They judge runs and conclude from them alike too. Both are compared with the same files, which
tests/recorded/write_fixtures.py has written.
"""

import base64
import json
import re
from itertools import islice

import pytest

from perflab.base.numbers import format_number
from perflab.compare import judgement
from perflab.load.svg import axis_ticks
from perflab.measure import stats
from tests.recorded import write_fixtures

STATISTICS = json.loads((write_fixtures.FOLDER / "statistics.json").read_text())
STORIES = json.loads((write_fixtures.FOLDER / "story_cells.json").read_text())
CHARTS = json.loads((write_fixtures.FOLDER / "charts.json").read_text())
JUDGEMENTS = json.loads((write_fixtures.FOLDER / "judgements.json").read_text())["cases"]
CONCLUSIONS = json.loads((write_fixtures.FOLDER / "conclusions.json").read_text())
STATIC = write_fixtures.FOLDER.parents[1] / "perflab" / "static"


@pytest.fixture(scope="module")
def call(chromium):
    """A function that imports one of our scripts in Chromium and calls a function with it."""
    page = chromium.new_page()

    def call(script, function, argument):
        (path,) = STATIC.rglob(script)
        return page.evaluate(
            f"""async (argument) => {{
                const script = await import("{as_address(path)}");
                return ({function})(script, argument);
            }}""",
            argument,
        )

    yield call
    page.close()


def as_address(path):
    """Return a script, with what it imports, as an address that needs no server."""
    source = re.sub(
        r'from "(\.[^"]+)"',
        lambda found: f'from "{as_address((path.parent / found[1]).resolve())}"',
        path.read_text(),
    )
    return f"data:text/javascript;base64,{base64.b64encode(source.encode()).decode()}"


@pytest.mark.parametrize("file", write_fixtures.FIXTURES)
def test_python_s_figures_are_those_of_the_file(file):
    recorded = json.loads((write_fixtures.FOLDER / file).read_text())

    assert json.loads(json.dumps(write_fixtures.FIXTURES[file]())) == recorded


def test_the_files_hold_what_is_worth_comparing():
    assert len(STATISTICS["ratios"]) >= 8
    assert {case["differs"] for case in STATISTICS["ratios"]} == {True, False}
    assert len(CHARTS["ticks"]) > 500
    assert len(CHARTS["formats"]) > 50


def test_the_runs_of_the_file_are_not_judged_for_every_reason_that_there_is():
    codes = {reason["code"] for case in JUDGEMENTS for reason in case["reasons"]}

    assert codes == set(judgement.WORDS)
    assert sum(not case["reasons"] for case in JUDGEMENTS) >= 4


def test_javascript_judges_the_same_runs_and_says_the_same(call):
    function = """(judgement, { cases, words }) => cases.map(({ facts }) => {
        const reasons = judgement.findReasons(facts);
        return {
            facts, reasons, words: reasons.map((one) => judgement.putIntoWords(one, words)),
        };
    })"""
    argument = {"cases": JUDGEMENTS, "words": judgement.WORDS}

    assert call("judgement.js", function, argument) == JUDGEMENTS


def test_javascript_concludes_the_same(call):
    function = """(figure, cases) => cases.map((one) => {
        const { ratio, ...names } = figure.conclude(one.figure, one.ladder);
        const { ratio: value, high, ...others } = ratio;
        const described = { value, high: high === Infinity ? "inf" : high, ...others };
        return { ...one, conclusion: { ...names, ratio: described } };
    })"""

    assert call("compare/figure.js", function, CONCLUSIONS["ladders"]) == CONCLUSIONS["ladders"]


def test_javascript_writes_the_same_headlines(call):
    function = """(headline, cases) => cases.map((one) => {
        const { value, high, ...others } = one.conclusion.ratio;
        const ratio = { ratio: value, high: high === "inf" ? Infinity : high, ...others };
        const found = { ...one.conclusion, ratio };
        return {
            ...one,
            headlines: ["", "four indexes"].map(
                (price) => headline.writeHeadline(one.figure, one.ladder, found, price)
            ),
        };
    })"""

    assert call("compare/headline.js", function, CONCLUSIONS["ladders"]) == CONCLUSIONS["ladders"]


def test_javascript_writes_the_same_values_of_figures(call):
    function = """(figure, cases) => cases.map((one) => ({
        ...one,
        text: figure.formatValue(one.figure, one.value),
        change: figure.formatChange(one.figure, 1000, one.value),
    }))"""

    assert call("compare/figure.js", function, CONCLUSIONS["values"]) == CONCLUSIONS["values"]


def test_javascript_draws_the_same_random_numbers(call):
    for case in STATISTICS["random_numbers"]:
        function = """(stats, { seed, numbers }) => {
            const next = stats.randomNumbers(seed);
            return numbers.map(next);
        }"""

        assert call("stats.js", function, case) == case["numbers"]


def test_javascript_finds_the_same_medians_and_quantiles(call):
    function = """(stats, samples) => samples.map(({ values, quantiles }) => ({
        values,
        median: stats.median(values),
        quantiles: quantiles.map(([share]) => [share, stats.quantile(values, share)]),
    }))"""

    assert call("stats.js", function, STATISTICS["samples"]) == STATISTICS["samples"]


def test_javascript_finds_the_same_ratios_and_intervals(call):
    function = """(stats, cases) => cases.map(({ rounds }) => {
        const { ratio, high, ...others } = stats.ratioOfRounds(rounds);
        return { rounds, value: ratio, high: high === Infinity ? "inf" : high, ...others };
    })"""

    assert call("stats.js", function, STATISTICS["ratios"]) == STATISTICS["ratios"]


def test_javascript_makes_the_same_rounds(call):
    function = "(stats, cases) => cases.map(([runs]) => [runs, stats.roundSizes(runs)])"

    assert call("stats.js", function, STATISTICS["round_sizes"]) == STATISTICS["round_sizes"]


def test_javascript_writes_the_same_ratios(call):
    function = "(stats, cases) => cases.map(([ratio]) => [ratio, stats.formatRatio(ratio)])"

    assert call("stats.js", function, STATISTICS["formats"]) == STATISTICS["formats"]


def test_javascript_draws_the_same_ticks(call):
    function = """(numbers, cases) => cases.map(
        (one) => ({ ...one, ticks: numbers.axisTicks(one.top, one.most, one.whole) })
    )"""

    assert call("numbers.js", function, CHARTS["ticks"]) == CHARTS["ticks"]


def test_javascript_writes_the_same_numbers(call):
    function = """(numbers, cases) => cases.map(
        (one) => ({ ...one, text: numbers.formatNumber(one.number, one.whole) })
    )"""

    assert call("numbers.js", function, CHARTS["formats"]) == CHARTS["formats"]


@pytest.mark.parametrize(
    ("top", "most", "whole", "marks"),
    [
        (10, 6, False, [0, 2, 4, 6, 8, 10]),
        (7, 6, False, [0, 2.5, 5, 7.5]),
        (7, 6, True, [0, 2, 4, 6, 8]),
        (130, 6, False, [0, 25, 50, 75, 100, 125, 150]),
        (31, 3, False, [0, 20, 40]),
        (0.3, 3, False, [0, 0.1, 0.2, 0.3]),
        (0, 6, True, [0, 1]),
    ],
)
def test_ticks_are_round_and_end_as_little_above_the_top_as_can_be(top, most, whole, marks):
    assert axis_ticks(top, most, whole) == marks


def test_every_axis_reaches_its_top_with_few_ticks():
    for case in CHARTS["ticks"]:
        first, *_, last = case["ticks"]
        assert first == 0
        assert last >= case["top"] * (1 - 1e-9)
        assert 2 <= len(case["ticks"]) <= case["most"] + 1
        assert not case["whole"] or all(mark == int(mark) for mark in case["ticks"])


@pytest.mark.parametrize(
    ("number", "text"),
    [(1234.5, "1,235"), (99, "99"), (12.34, "12.3"), (1.234, "1.23"), (0.0449, "0.04")],
)
def test_a_number_has_as_many_decimals_as_count(number, text):
    assert format_number(number) == text


def test_a_number_that_there_is_not_is_a_dash():
    assert [format_number(number) for number in (float("nan"), float("inf"))] == ["–", "–"]


def test_a_draw_takes_each_value_about_equally_often():
    numbers = list(islice(stats.random_numbers(1), 60_000))

    counts = [sum(int(number * 6) == face for number in numbers) for face in range(6)]

    assert all(0 <= number < 1 for number in numbers)
    assert max(abs(count - 10_000) for count in counts) < 400


def test_javascript_gives_a_story_the_same_verdicts(call):
    """tests/compare/test_story_verdicts.py holds Python to the same file."""
    judge_cells = "(cell, cases) => cases.map(({ facts }) => cell.judgeCell(facts))"
    judge_variants = """(cell, cases) => cases.map(({ cells }) => {
        const { right, words } = cell.judgeVariant("plain", cells);
        return { cells, right, words };
    })"""

    cells = call("cell.js", judge_cells, STORIES["cells"])

    assert cells == [case["cell"] for case in STORIES["cells"]]
    assert call("cell.js", judge_variants, STORIES["variants"]) == STORIES["variants"]
