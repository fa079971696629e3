"""The figure in which a lesson shows itself, and what its variants show in it. Pure.

A figure is one of FIGURES. `conclude` says which variant is best, which ones lose, and what the
first and the best are in that figure. js/compare/figure.js has the same rules: for the same runs
both conclude the same (tests/recorded/conclusions.json).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perflab.base.numbers import format_number
from perflab.measure.stats import Ratio, median, ratio_of_rounds, split_rounds

NEARLY = 1.05  # times the least: memory, and bytes by gzip, are not the same in every run
NEARLY_OF_CPU = 1.25  # on a busy machine the same work takes more of it, as its caches are shared
ENDS = ("bytes", "memory")  # less of these is worth some time; fewer queries alone are worth none


@dataclass(frozen=True)
class Figure:
    """A figure: where `measure` keeps it, its units, and what more of it is called.

    Of every figure less is better. Correctness is no number: a variant is right or it is not.
    """

    key: str  # of a variant in the JSON of `measure`
    units: tuple[str, str]  # of one, and of any other number
    worse: str  # "more queries"
    divisor: float = 1  # bytes are shown as MB
    nearly: float = NEARLY  # times another value: no more than that is no difference


FIGURES = {
    "queries": Figure("queries", ("query", "queries"), "more queries"),
    "time": Figure("median_ms", ("ms", "ms"), "slower"),
    "cpu_time": Figure("cpu_ms", ("ms of CPU", "ms of CPU"), "more CPU time", nearly=NEARLY_OF_CPU),
    "bytes": Figure("bytes", ("byte", "bytes"), "more bytes"),
    "memory": Figure("memory_peak", ("MB", "MB"), "more memory", divisor=1e6),
    "cache_calls": Figure("calls", ("cache call", "cache calls"), "more cache calls"),
    "correctness": Figure("right", ("", ""), "wrong"),
}


@dataclass(frozen=True)
class Shown:
    """What a variant shows: its figure, its times and, where a story tells it, its verdict."""

    name: str
    value: float | None  # in the lesson's figure; None where it is not known, or no number
    times: Sequence[float]  # ms of its runs, in their order
    right: bool | None = None  # whether its story shows nothing wrong; None without a verdict
    words: str = ""  # of that verdict: "greets Bob as Ada"

    @property
    def ms(self) -> float:
        """The median of its times."""
        return median(self.times)


@dataclass(frozen=True)
class Conclusion:
    """What a ladder shows: the names of its variants, and the ratio of the first to `shown`."""

    first: str
    shown: str  # which the headline compares with the first: the best one, or the last
    best: str
    losers: dict[str, str]  # by name, what is worse than with the first: "slower", "more queries"
    ratio: Ratio


def conclude(figure: str, ladder: Sequence[Shown]) -> Conclusion:
    """Return what two or more variants show, from the first to the last. Raises ValueError.

    The headline compares the first with the best, and where that is the first itself, with the
    last, which then loses.
    """
    first, last = ladder[0], ladder[-1]
    best = find_best(figure, ladder)
    shown = last if best is first else best
    losers = {
        one.name: worse for one in ladder[1:] if (worse := find_worse(figure, first, one)) != ""
    }
    return Conclusion(first.name, shown.name, best.name, losers, compare(first, shown))


def find_best(figure: str, ladder: Sequence[Shown]) -> Shown:
    """Return the variant that is best in the figure; of equal ones the last, or a faster one."""
    last = ladder[-1]
    good = [one for one in ladder if is_good(figure, one, ladder)] or list(ladder)
    fastest = min(good, key=lambda one: one.ms)
    if last in good and (fastest is last or not is_faster(fastest, last)):
        return last
    return fastest


def is_good(figure: str, one: Shown, ladder: Sequence[Shown]) -> bool:
    """Return whether no other variant is clearly better in the figure. Of times, each is good."""
    if figure == "correctness":
        return one.right is not False
    known = [other.value for other in ladder if other.value is not None]
    if figure == "time" or not known:
        return True
    return one.value is not None and one.value <= FIGURES[figure].nearly * min(known)


def find_worse(figure: str, first: Shown, one: Shown) -> str:
    """Return what is worse with a variant than with the first, in a few words; "" for nothing."""
    if figure == "correctness" and one.right is False:
        return one.words or FIGURES[figure].worse
    if first.value is not None and one.value is not None and figure != "time":
        nearly = FIGURES[figure].nearly
        if one.value > nearly * first.value:
            return FIGURES[figure].worse
        if figure in ENDS and first.value > nearly * one.value:
            return ""
    return FIGURES["time"].worse if is_faster(first, one) else ""


def is_faster(one: Shown, other: Shown) -> bool:
    """Return whether a variant is measurably faster than another one."""
    ratio = compare(other, one)
    return ratio.differs and ratio.value > 1


def compare(first: Shown, last: Shown) -> Ratio:
    """Return how many times as long the first took as the last."""
    return ratio_of_rounds(split_rounds(first.times, last.times))


def format_value(figure: str, value: float | None) -> str:
    """Return a value of a figure as readers see it: "101 queries", "0.58 MB"."""
    if value is None:
        return "–"
    found = FIGURES[figure]
    unit = found.units[value / found.divisor != 1]
    return f"{format_number(value / found.divisor)} {unit}"


def format_change(figure: str, before: float | None, after: float | None) -> str:
    """Return how a figure changes: "101 → 1 query", "43.6 → 0.58 MB"; "" where it is not known."""
    if before is None or after is None:
        return ""
    return f"{format_number(before / FIGURES[figure].divisor)} → {format_value(figure, after)}"


def value_of(figure: str, variant: dict[str, Any]) -> float | None:
    """Return the value of a figure of a variant in the JSON of `measure`; None if not known."""
    value = variant.get(FIGURES[figure].key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None


def ladder_of(experiment: dict[str, Any]) -> list[Shown]:
    """Return what the variants of an experiment in the JSON of `measure` show."""
    return [
        Shown(
            variant["name"],
            value_of(experiment["figure"], variant),
            variant["samples_ms"],
            variant.get("right"),
            variant.get("words", ""),
        )
        for variant in experiment["variants"]
        if not variant["reference"]
    ]
