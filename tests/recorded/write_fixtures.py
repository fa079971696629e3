"""Write the figures on which Python and JavaScript must agree to the last digit.

`python -m tests.recorded.write_fixtures` writes statistics.json and charts.json beside this file.
They hold inputs, and what the Python functions return for them; tests/test_both_languages.py
compares both languages with them. Run it again only where a rule is meant to change: the change of
the two files then shows what else it changes.
"""

import json
import math
from itertools import islice
from pathlib import Path

from perflab.base.numbers import format_number
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


def as_text(figures):
    """Return the JSON with one case on a line."""
    parts = []
    for name, cases in figures.items():
        lines = ",\n".join(f"  {json.dumps(case, ensure_ascii=False)}" for case in cases)
        parts.append(f" {json.dumps(name)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    (FOLDER / "statistics.json").write_text(as_text(statistics()), encoding="utf-8")
    (FOLDER / "charts.json").write_text(as_text(charts()), encoding="utf-8")
