"""The statistics of timings: median, p95, and how sure a ratio of two variants is.

Pure functions on numbers; docs/command-measure.md explains why these and no others. The pages'
js/stats.js has the same functions: on the same numbers both return the same results to the last
digit, because both compute in the same order and draw the same random numbers.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

ROUNDS = 10  # of a measurement; tests/measure/test_intervals.py shows what fewer do
RESAMPLES = 1000  # which Efron and Tibshirani advise, or more, for the ends of an interval
LOW, HIGH = 0.025, 0.975  # the ends of a 95 % interval
SEED = 1
WORD = 0xFFFFFFFF  # 32 bits
DIGITS = 10  # that are kept of a logarithm's results: Python and JavaScript may differ in the 16th
NORMAL = 1.959963984540054  # the normal distribution's 97.5 % quantile

# Student's 97.5 % quantiles for 1 to 10 degrees of freedom
STUDENT = (
    *(12.706204736, 4.302652730, 3.182446305, 2.776445105, 2.570581836),
    *(2.446911851, 2.364624252, 2.306004135, 2.262157163, 2.228138852),
)

# The ms of the first variant, and those of the last; a pair has the same place in both.
Round = tuple[Sequence[float], Sequence[float]]


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
    ordered = sorted(values)  # as quantile(values, 0.5), but quicker: a bootstrap takes thousands
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return ordered[half - 1] + (ordered[half] - ordered[half - 1]) * 0.5


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
        """Whether there is a difference at all: the interval, as readers see it, does not hold 1.

        Readers see two significant digits, so an interval from 1.04 on begins at 1.0 for them.
        """
        return not two_digits(self.low) <= 1 <= two_digits(self.high)


def two_digits(ratio: float) -> float:
    """Return a ratio rounded to two significant digits, half up.

    From 0.955 on it is rounded to one decimal, as from 1 on: 0.97 and 1.03 are as far from 1.
    """
    if 0.955 <= ratio < 1:
        return 1.0
    if not 0 < ratio < math.inf:
        return ratio
    exact = Decimal(ratio)
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1), ROUND_HALF_UP))


def format_ratio(ratio: float) -> str:
    """Return a ratio, or an end of its interval, as readers see it: "75", "7.0", "0.52", "1,300".

    Every ratio that the lab shows is written by this function, or by the one of js/stats.js.
    """
    if ratio == math.inf:
        return "∞"
    shown = Decimal(str(two_digits(ratio)))
    decimals = max(0, 1 - shown.adjusted()) if shown else 0
    return f"{shown:,.{decimals}f}"


def split_rounds(first: Sequence[float], last: Sequence[float]) -> list[Round]:
    """Return the runs of two variants, as they follow each other, in rounds of about equal size.

    As many runs of each are taken as there are of both.
    """
    found, start = [], 0
    for size in round_sizes(min(len(first), len(last))):
        found.append((first[start : start + size], last[start : start + size]))
        start += size
    return found


def round_sizes(runs: int) -> list[int]:
    """Return how many runs of each variant each round has: ROUNDS rounds, or a run each."""
    count = min(runs, ROUNDS)
    return [(number + 1) * runs // count - number * runs // count for number in range(count)]


def ratio_of_rounds(rounds: Sequence[Round]) -> Ratio:
    """Return the median of the rounds' ratios, with its 95 % interval.

    A round's ratio is that of its medians. Its runs are neighbours in time, so that what slows the
    whole machine down for longer than a round slows both, and cancels. The interval is the widest
    one, on either side, of three:

    - Student's t interval of the rounds' log ratios, which tells how far the rounds agree;
    - the percentile interval of the hierarchical bootstrap: rounds are drawn again with
      replacement, and from each of them its pairs. It holds too what a round of few pairs cannot
      know of the true medians;
    - the percentile interval of the ratio of all runs' medians, by the same bootstrap. Where the
      times of one variant have two levels, or a long tail, that ratio is not the rounds'.

    Of a single round nothing is known but its ratio. Raises ValueError on no rounds, and on a time
    that is not more than 0.
    """
    if not rounds or any(not time > 0 for one in rounds for times in one for time in times):
        raise ValueError("a ratio needs rounds, and times of more than 0 ms")
    ratios = [median(first) / median(last) for first, last in rounds]
    value = middle(ratios)
    if len(rounds) == 1:
        return Ratio(value, 0, math.inf)
    student_low, student_high = student_interval(ratios)
    of_rounds, of_all = resample_ratios(rounds)
    held = value, ratio_of_all(rounds)
    return Ratio(
        value,
        min(*held, student_low, quantile(of_rounds, LOW), quantile(of_all, LOW)),
        max(*held, student_high, quantile(of_rounds, HIGH), quantile(of_all, HIGH)),
    )


def ratio_of_all(rounds: Sequence[Round]) -> float:
    """Return the ratio of the medians of all runs of the rounds."""
    firsts = [time for first, _ in rounds for time in first]
    lasts = [time for _, last in rounds for time in last]
    return median(firsts) / median(lasts)


def middle(ratios: Iterable[float]) -> float:
    """Return the median of ratios; of an even number, the geometric mean of the middle two.

    So the ratio of the last to the first is exactly the inverse, but for rounding.
    """
    ordered = sorted(ratios)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return math.sqrt(ordered[half - 1] * ordered[half])


def student_interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Return Student's 95 % interval of the geometric mean of two or more ratios.

    Where neighbours are like each other, they tell less than if they were independent. So the
    variance of the mean is multiplied by (1 + r) / (1 - r), r being the autocorrelation.
    """
    logs = [math.log(ratio) for ratio in ratios]
    count, mean = len(logs), sum_in_order(logs) / len(logs)
    apart = [log - mean for log in logs]
    squares = sum_in_order([one * one for one in apart])
    products = sum_in_order([one * other for one, other in pairwise(apart)])
    likeness = max(0, products / squares) if squares else 0
    variance = squares / (count - 1) / count * (1 + likeness) / (1 - likeness)
    half = student(count - 1) * math.sqrt(variance)
    return rounded(math.exp(mean - half)), rounded(math.exp(mean + half))


def sum_in_order(values: Sequence[float]) -> float:
    """Return the sum, added up one by one: newer Pythons' sum() corrects its rounding errors."""
    total = 0.0
    for value in values:
        total += value
    return total


def rounded(value: float) -> float:
    """Return a number to DIGITS significant digits."""
    return float(f"{value:.{DIGITS}g}")


def student(freedom: int) -> float:
    """Return Student's 97.5 % quantile for so many degrees of freedom.

    Above 10 by the Cornish-Fisher expansion, Abramowitz and Stegun (1964) 26.7.5, to four digits.
    """
    if freedom <= len(STUDENT):
        return STUDENT[freedom - 1]
    z = NORMAL
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


def resample_ratios(rounds: Sequence[Round]) -> tuple[list[float], list[float]]:
    """Return the ratios of RESAMPLES measurements that are drawn from the rounds of one.

    The first list holds the medians of the rounds' ratios, the second one the ratios of all runs'
    medians. The random numbers start from a fixed seed, so that the same timings give the same
    ratios.
    """
    numbers = random_numbers(SEED)
    of_rounds, of_all = [], []
    for _ in range(RESAMPLES):
        drawn = [resample(rounds[math.floor(next(numbers) * len(rounds))], numbers) for _ in rounds]
        of_rounds.append(middle(median(first) / median(last) for first, last in drawn))
        of_all.append(ratio_of_all(drawn))
    return of_rounds, of_all


def resample(one: Round, numbers: Iterator[float]) -> Round:
    """Return a round whose pairs were drawn again with replacement."""
    first, last = one
    count = len(first)
    if count == 1:
        return one
    drawn = [math.floor(next(numbers) * count) for _ in range(count)]
    return [first[pair] for pair in drawn], [last[pair] for pair in drawn]


def random_numbers(seed: int) -> Iterator[float]:
    """Yield random numbers from 0 up to, but without, 1: always the same ones for a seed.

    The generator is mulberry32 by Tommy Ettinger. It needs only additions, multiplications and
    shifts of 32 bits, so that JavaScript computes the same numbers.
    """
    state = seed
    while True:
        state = (state + 0x6D2B79F5) & WORD
        mixed = ((state ^ (state >> 15)) * (state | 1)) & WORD
        mixed ^= (mixed + (mixed ^ (mixed >> 7)) * (mixed | 61)) & WORD
        yield (mixed ^ (mixed >> 14)) / 2**32
