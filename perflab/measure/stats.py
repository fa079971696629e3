"""The statistics of timings: median, p95, and how sure a ratio of medians is.

Pure functions on numbers; docs/command-measure.md explains why these and no others. The pages'
js/stats.js has the same functions: on the same numbers both return the same results to the last
digit, because both compute in the same order and draw the same random numbers.
"""

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

RESAMPLES = 2000  # Efron and Tibshirani advise 1,000 or more for the ends of an interval
LOW, HIGH = 0.025, 0.975  # the ends of a 95 % interval
SEED = 1
WORD = 0xFFFFFFFF  # 32 bits


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share (0 to 1) of the values lies.

    Between two values it is linear: type 7 of Hyndman and Fan (1996), numpy's default, and
    "inclusive" in Python's own `statistics.quantiles`. Raises IndexError on no values.
    """
    ordered = sorted(values)
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def median(values: Sequence[float]) -> float:
    """Return the middle value; of an even number, the mean of the middle two.

    Raises ValueError on no values.
    """
    if not values:
        raise ValueError("no median of no values")
    return quantile(values, 0.5)


def p95(values: Sequence[float]) -> float:
    """Return the value that one in twenty exceeds. Raises IndexError on no values."""
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


def ratio_of_medians(first: Sequence[float], last: Sequence[float]) -> Ratio:
    """Return the ratio of two medians with its 95 % bootstrap interval.

    The percentile method of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993),
    chapter 13: both samples are drawn again with replacement, each from its own, and the ratio's
    2.5 and 97.5 % quantiles are the interval. The random numbers start from a fixed seed, so that
    the same timings give the same interval. Raises ValueError on no values.
    """
    numbers = iter(random_numbers(SEED, RESAMPLES * (len(first) + len(last))))
    ratios = [
        median(resample(first, numbers)) / median(resample(last, numbers)) for _ in range(RESAMPLES)
    ]
    return Ratio(
        median(first) / median(last),
        quantile(ratios, LOW),
        quantile(ratios, HIGH),
    )


def resample(values: Sequence[float], numbers: Iterator[float]) -> list[float]:
    """Return as many of the values as there are, each drawn by the next random number."""
    count = len(values)
    return [values[math.floor(next(numbers) * count)] for _ in range(count)]


@lru_cache(maxsize=4)  # as long as all experiments are measured with as many runs, one is enough
def random_numbers(seed: int, count: int) -> Sequence[float]:
    """Return random numbers from 0 up to, but without, 1: always the same ones for a seed.

    The generator is mulberry32 by Tommy Ettinger. It needs only additions, multiplications and
    shifts of 32 bits, so that JavaScript computes the same numbers.
    """
    numbers, state = array("d"), seed
    for _ in range(count):
        state = (state + 0x6D2B79F5) & WORD
        mixed = ((state ^ (state >> 15)) * (state | 1)) & WORD
        mixed ^= (mixed + (mixed ^ (mixed >> 7)) * (mixed | 61)) & WORD
        numbers.append((mixed ^ (mixed >> 14)) / 2**32)
    return numbers
