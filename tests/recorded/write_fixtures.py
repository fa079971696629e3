"""Write the figures on which Python and JavaScript must agree to the last digit.

`python -m tests.recorded.write_fixtures` writes the files of FIXTURES beside this file. They hold
inputs, and what the Python functions return for them; tests/test_both_languages.py compares both
languages with them. Run it again only where a rule is meant to change: the change of the files then
shows what else it changes.
"""

import json
import math
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from perflab.base.numbers import format_number
from perflab.compare import figures, judgement
from perflab.compare.headline import write_headline
from perflab.load.svg import axis_ticks
from perflab.measure import stats

FOLDER = Path(__file__).parent
SHARES = (0, 0.025, 0.25, 0.5, 0.95, 0.975, 1)
STEPS = (3, 6)
RATIOS = (
    *(1, 0.5, 7, 70, 1.3, 74.5, 33.6, 1.04, 1.05, 0.96, 0.955, 0.95, 0.949, 0.994, 0.996, 1.049),
    *(9.94, 9.95, 9.96, 99.4, 99.5, 133, 1250, 1349.9, 123456),
    *(0.0123, 0.000045, 0.104, 1 / 3, 200 / 3, 0, 2.25),
)


def timings(seed, count, typical):
    """Return numbers like timings in ms: most near a typical one, some much longer."""
    numbers = list(islice(stats.random_numbers(seed), 2 * count))
    return [
        round(typical * (0.9 + 0.2 * one + (3 * other if other > 0.9 else 0)), 3)
        for one, other in zip(numbers[::2], numbers[1::2], strict=True)
    ]


def statistics():
    """Return samples with their quantiles, rounds with their intervals, and ratios as text."""
    slow = [41.2, 38.9, 40.1, 39.5, 55.0, 40.7, 39.9, 41.8, 40.3, 62.4, 39.2, 40.0]
    fast = [4.1, 3.9, 4.4, 4.0, 4.2, 6.8, 4.3, 4.0, 3.8, 4.1, 4.5, 4.2]
    # The ratio of all medians is 2; that of the rounds is 2.6, for most of them have both levels.
    levels = [(10.0, 16.0)[place % 2 and place not in (1, 7, 13)] for place in range(20)]
    two_levels = levels, [5.0, 5.1, 4.9, 5.0] * 5
    pairs = [
        ([7.5], [2.5]),
        ([1, 2], [3, 4]),
        (slow, fast),
        ([12.0] * 5, [3.0] * 5),  # an interval of no width
        (timings(2, 20, 41.7), timings(3, 20, 4.3)),
        (timings(4, 20, 9.9), timings(5, 20, 10.0)),  # most likely no difference
        (timings(6, 7, 0.031), timings(7, 12, 812.3)),
        (timings(8, 25, 17.0), timings(9, 25, 4.0)),  # rounds of two and of three pairs
        (timings(8, 200, 17.0), timings(9, 199, 16.1)),
        two_levels,
    ]
    tuned = [([on], [off]) for on, off in zip(timings(10, 40, 5), timings(11, 40, 5), strict=True)]
    samples = [sample for pair in pairs for sample in pair]
    return {
        "random_numbers": [
            {"seed": seed, "numbers": list(islice(stats.random_numbers(seed), 20))}
            for seed in (0, 1, 2**31, 2**32 - 1)
        ],
        "samples": [
            {
                "values": values,
                "median": stats.median(values),
                "quantiles": [[share, stats.quantile(values, share)] for share in SHARES],
            }
            for values in samples
        ],
        "ratios": [
            {"rounds": rounds, **described(stats.ratio_of_rounds(rounds))}
            for rounds in [*(stats.split_rounds(*pair) for pair in pairs), tuned, tuned[:2]]
        ],
        "round_sizes": [[runs, stats.round_sizes(runs)] for runs in (1, 5, 9, 10, 25, 40, 199)],
        "formats": [[ratio, stats.format_ratio(ratio)] for ratio in RATIOS],
    }


def described(ratio):
    """Return a Ratio as the fixture has it."""
    high = "inf" if ratio.high == math.inf else ratio.high  # which JSON cannot say
    return {"value": ratio.value, "low": ratio.low, "high": high, "differs": ratio.differs}


def charts():
    """Return the ticks of many axes and the formats of many numbers."""
    leading = (1, 1.01, 1.5, 1.99, 2, 2.4, 2.5, 3, 3.3, 4, 4.99, 5, 6, 6.1, 7, 7.5, 8, 9, 9.99)
    tops = [0, *(float(f"{one * 10.0**power:.3g}") for power in range(-4, 7) for one in leading)]
    numbers = [
        *(0, 1, -1, 7, 12, 99, 100, 101, 1234, 999_999, 1_000_000, 123_456_789, -1234),
        *(0.5, 1.5, 2.5, 0.125, 0.375, 1.005, 2.675, 9.994, 9.995, 9.996, 9.999, 10.04, 10.05),
        *(12.25, 12.35, 99.94, 99.95, 99.99, 100.4, 100.5, 101.5, 999.5, 1234.5, 99_999.5),
        *(0.1, 0.095, 0.0949, 0.09, 0.0625, 0.05, 0.015, 0.01, 0.0096, 0.004, 0.00051, 0.0001),
        *(0.00001, 0.0000019, 0.000001, 0.0000009, 1e-9, -0.004, -0.5, -2.345, -99.95, -100.5),
        *(1 / 3, 2 / 3, 200 / 3, 2000 / 3, 20_000 / 3, 22 / 7, 1e15 + 0.5),
    ]
    return {
        "ticks": [
            {"top": top, "most": most, "whole": whole, "ticks": axis_ticks(top, most, whole)}
            for top in tops
            for most in STEPS
            for whole in (False, True)
        ],
        "formats": [{"number": number, "text": format_number(number)} for number in numbers]
        + [
            {"number": number, "whole": whole, "text": format_number(number, whole)}
            for number, whole in ((0, False), (3, False), (12, False), (2.5, True), (99.5, True))
        ],
    }


GOOD = {
    "noun": "films",
    "rows_asked": 100,
    "rows_there": 1851,
    "rows_after": 1851,
    "variants": [
        {"name": "slow", "queries": [101] * 6, "expected": 101, "cold": 101, "rows": 100},
        {"name": "fast", "queries": [0] * 6, "expected": 0, "cold": 2, "rows": 100},
    ],
    "workers_before": [7, 8],
    "workers_after": [7, 8],
    "workers_warm": [7, 8],
    "workers_answered": [7, 8],
    "seeding": False,
    "inspected": 0,
    "story": "",
    "check_differs": False,
}


def facts(slow=None, fast=None, **changes):
    """Return the facts of a run that can be judged, with changes, some of them of its variants."""
    none = {"cache_errors": 0, "differs": False}
    variants = [
        none | variant | (change or {})
        for variant, change in zip(GOOD["variants"], (slow, fast), strict=True)
    ]
    return GOOD | {"variants": variants} | changes


def judgements():
    """Return the facts of many runs, with the reasons why they are not judged, and their words."""
    unlisted = {"workers_before": None, "workers_after": None}
    cases = [
        facts(),
        facts(rows_asked=5000),
        facts(rows_asked=5000, rows_there=None, rows_after=None),  # it is judged by the pages
        facts(fast={"rows": 99}),
        facts(slow={"rows": 0}, rows_there=None),
        facts(fast={"rows": None}),
        facts(rows_there=0, rows_after=0, slow={"queries": [1] * 6, "rows": 0}),
        facts(rows_there=0, rows_after=1851),
        facts(rows_after=100_000),
        facts(seeding=True),
        facts(inspected=3),
        facts(failed=2),
        facts(story="plain: there is one worker"),
        facts(slow={"queries": [101, 101]}),
        facts(slow={"queries": []}, fast={"queries": []}),
        facts(fast={"cache_errors": 12, "queries": [2] * 6}),
        facts(slow={"cache_errors": 1}, fast={"cache_errors": 1200}),
        facts(fast={"queries": [2, 0, 0, 2, 0, 0]}),  # entries expired
        facts(fast={"queries": [2, 2, 2, 2, 0, 0]}),
        facts(fast={"queries": [0, 0, 1, 0, 0, 0]}),
        facts(slow={"queries": [101, 101, 101, 102, 101, 101]}),
        facts(fast={"queries": [3] * 6}, slow={"queries": [1] * 6}),
        facts(fast={"differs": True}),
        facts(fast={"differs": True}, rows_asked=5000),
        facts(fast={"differs": True, "queries": [1] * 6}),
        facts(workers_after=[7, 9]),
        facts(workers_after=[7]),
        facts(workers_after=[7, 8, 9]),
        facts(workers_answered=[7, 11]),
        facts(workers_warm=[7]),  # the other one was there
        facts(workers_warm=[7], **unlisted),
        facts(workers_answered=[7], **unlisted),
        facts(check_differs=True),
        facts(check_differs=True, fast={"cache_errors": 2}, workers_after=[], inspected=1),
    ]
    return {"cases": [judged(case) for case in cases]}


def judged(case):
    """Return a case with the reasons and their words."""
    reasons = judgement.find_reasons(judgement.Facts.from_json(case))
    return {
        "facts": case,
        "reasons": reasons,
        "words": [judgement.put_into_words(reason) for reason in reasons],
    }


def conclusions():
    """Return ladders with what they show, and values of figures as text."""
    slow, middle, fast = timings(2, 20, 41.7), timings(3, 20, 9.4), timings(4, 20, 4.3)
    again = timings(12, 20, 4.3)

    def ladder(*variants):
        names = ("first", "second", "third", "fourth")
        return [
            dict(zip(("name", "value", "times", "right", "words"), (name, *one), strict=False))
            for name, one in zip(names, variants, strict=False)
        ]

    cases = [
        ("queries", ladder((101, slow), (1, fast))),
        ("queries", ladder((101, slow), (1, middle), (1, fast))),
        ("queries", ladder((101, slow), (1, fast), (1, middle))),  # the last is slower
        ("queries", ladder((101, slow), (1, fast), (1, again))),
        ("queries", ladder((1, fast), (2, slow))),  # the last loses twice
        ("queries", ladder((1, fast), (1, slow), (1, again))),
        ("time", ladder((9.4, middle), (41.7, slow), (4.3, fast))),
        ("time", ladder((9.4, middle), (4.3, fast), (41.7, slow))),
        ("time", ladder((4.3, fast), (4.3, again))),
        ("cpu_time", ladder((13.4, middle), (15.9, middle), (3.9, fast), (4.8, again))),
        ("cpu_time", ladder((3.9, fast), (13.4, middle))),
        ("cpu_time", ladder((None, middle), (None, fast))),  # where a thread has no clock
        ("bytes", ladder((72421, fast), (4296, again), (4310, fast))),
        ("bytes", ladder((72421, fast), (4296, middle), (9000, fast))),
        ("bytes", ladder((1000, fast), (1040, again))),
        ("memory", ladder((43_600_000, middle), (580_000, slow))),
        ("memory", ladder((None, middle), (None, fast))),
        ("cache_calls", ladder((100, middle), (1, fast))),
        (
            "correctness",
            ladder((None, slow, True), (None, fast, False, "shows what was true before")),
        ),
        (
            "correctness",
            ladder(
                (None, slow, True),
                (None, fast, False, "greets Bob as Ada"),
                (None, middle, True),
                (None, again, True),
            ),
        ),
        (
            "correctness",
            ladder(
                (None, slow, False, "all 40 computed it"),
                (None, middle, False, "hit rate 95 %, each of 2 workers computed it"),
                (None, fast, True, "right: hit rate 98 %, one computed it"),
            ),
        ),
        ("correctness", ladder((None, slow, None), (None, fast, False))),
    ]
    values = [
        *(("queries", number) for number in (0, 1, 101, 1234, 2.5)),
        *(("time", number) for number in (0.0123, 1, 4.3, 123.4)),
        *(("cpu_time", number) for number in (0.0123, 1, 13.4)),
        *(("bytes", number) for number in (0, 1, 72421)),
        *(("memory", number) for number in (43_612_345, 580_123, 1_000_000, 0)),
        *(("cache_calls", number) for number in (1, 100)),
        ("bytes", None),
    ]
    return {
        "ladders": [
            {"figure": figure, "ladder": case, **concluded(figure, case)} for figure, case in cases
        ],
        "values": [
            {
                "figure": figure,
                "value": value,
                "text": figures.format_value(figure, value),
                "change": figures.format_change(figure, 1000, value),
            }
            for figure, value in values
        ],
    }


def concluded(figure, ladder):
    """Return a Conclusion and its headlines as the fixture has them."""
    shown = [figures.Shown(**variant) for variant in ladder]
    found = figures.conclude(figure, shown)
    names = ("first", "shown", "best", "losers")
    return {
        "conclusion": {name: getattr(found, name) for name in names}
        | {"ratio": described(found.ratio)},
        "headlines": [
            asdict(write_headline(figure, shown, found, price)) for price in ("", "four indexes")
        ],
    }


def as_text(found):
    """Return the JSON with one case on a line."""
    parts = []
    for name, cases in found.items():
        lines = ",\n".join(f"  {json.dumps(case, ensure_ascii=False)}" for case in cases)
        parts.append(f" {json.dumps(name)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


FIXTURES = {
    "statistics.json": statistics,
    "charts.json": charts,
    "judgements.json": judgements,
    "conclusions.json": conclusions,
}

if __name__ == "__main__":
    for file, make in FIXTURES.items():
        (FOLDER / file).write_text(as_text(make()), encoding="utf-8")
