"""The words in which a run is headlined: its lesson's own figure, then the time. Pure.

js/compare/headline.js has the same words (tests/recorded/conclusions.json).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from perflab.measure.stats import Ratio, format_ratio

from .figures import FIGURES, Conclusion, Shown, format_change

NO_DIFFERENCE = "no measurable difference"


@dataclass(frozen=True)
class Headline:
    """What is headlined in big type, what stands below it, and which variant is the best."""

    big: str
    small: str
    best: str  # a sentence where the best variant is not the last one; "" where it is
    loses: bool  # whether the variant that is shown beside the first is worse than it


def write_headline(
    figure: str, ladder: Sequence[Shown], found: Conclusion, price: str = ""
) -> Headline:
    """Return the headline of a ladder that has been measured.

    `price` names what the first variant has and the last has not, where the lesson is what that
    costs, such as "four indexes".
    """
    by_name = {one.name: one for one in ladder}
    first, shown = by_name[found.first], by_name[found.shown]
    speed = describe_speed(found.ratio, price)
    small_speed = speed if found.ratio.differs else f"{speed} in time"
    big, small = speed, ""
    if figure == "time":
        pair = (shown.ms, first.ms) if price else (first.ms, shown.ms)
        small = format_change("time", *pair)
        big = speed[0].upper() + speed[1:]
    elif figure == "correctness" and (verdicts := describe_verdicts(ladder, shown)):
        big, small = verdicts, small_speed
    elif figure != "correctness" and (change := format_change(figure, first.value, shown.value)):
        big, small = change, small_speed
    best, last = found.best, ladder[-1].name
    sentence = "" if best == last else f"Best of them: {best}. The last one, {last}, is not."
    loses = found.shown in found.losers and not price
    return Headline(big, small, sentence, loses)


def describe_speed(ratio: Ratio, price: str = "") -> str:
    """Return a ratio in words: "9.3× faster", or "3.9× slower with four indexes"."""
    if not ratio.differs:
        return NO_DIFFERENCE if not price else f"{NO_DIFFERENCE} with {price}"
    if price:
        times = format_ratio(max(ratio.value, 1 / ratio.value))
        return f"{times}× {'slower' if ratio.value > 1 else 'faster'} with {price}"
    if ratio.value >= 1:
        return f"{format_ratio(ratio.value)}× faster"
    return f"{format_ratio(1 / ratio.value)}× {FIGURES['time'].worse}"


def describe_verdicts(ladder: Sequence[Shown], shown: Shown) -> str:
    """Return which variants are wrong, and that the one that is shown is right; "" if not known."""
    if any(one.right is None for one in ladder):
        return ""
    wrong = [f"{one.name} {one.words}".strip() for one in ladder if not one.right]
    if not wrong:
        return "every variant is right"
    right = [f"{shown.name} is {shown.words or 'right'}"] if shown.right else []
    return "; ".join([*wrong, *right])
