"""What a row of timings says: median, p95, and how sure a ratio of medians is.

Pure functions on numbers; docs/command-measure.md explains why these and no others.
"""

import random
import statistics
from dataclasses import dataclass

RESAMPLES = 2000  # Efron and Tibshirani advise 1,000 or more for the ends of an interval
LEVEL = 0.95


def median(values) -> float:
    """The middle value; of an even number the mean of the middle two. Raises ValueError on none."""
    return statistics.median(values)


def quantile(values, share: float) -> float:
    """The value below which this share (0 to 1) of them lies. Raises IndexError on no values.

    Linear between neighbours: type 7 of Hyndman and Fan (1996), numpy's default, and "inclusive"
    in Python's own `statistics.quantiles`.
    """
    ordered = sorted(values)
    position = (len(ordered) - 1) * share
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def p95(values) -> float:
    """The value that one in twenty exceeds."""
    return quantile(values, 0.95)


@dataclass(frozen=True)
class Ratio:
    """How many times as long the first took as the last, and the interval that likely holds it."""

    value: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether there is a difference at all: the interval does not hold 1."""
        return not self.low <= 1 <= self.high


def ratio_of_medians(first, last) -> Ratio:
    """The ratio of two medians with its 95 % bootstrap interval.

    The percentile method of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993),
    chapter 13: both samples are drawn again with replacement, each from its own, and the ratio's
    2.5 and 97.5 % quantiles are the interval. Chance starts from a fixed seed, so that the same
    timings give the same interval.
    """
    chance = random.Random(1)
    again = [
        statistics.median(chance.choices(first, k=len(first)))
        / statistics.median(chance.choices(last, k=len(last)))
        for _ in range(RESAMPLES)
    ]
    return Ratio(
        statistics.median(first) / statistics.median(last),
        quantile(again, (1 - LEVEL) / 2),
        quantile(again, (1 + LEVEL) / 2),
    )
