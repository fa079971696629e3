"""Numbers and durations as people write and read them.

What people write is checked in one way and refused in one wording: a ValueError with half a
sentence, such as "must be a whole number from 1 to 64, not '0'". The caller puts the name of the
option, knob or variable in front of it.
"""

import math
import re
from decimal import ROUND_HALF_UP, Decimal

SECONDS_OF = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
QUOTED = 40  # characters of a text that an error message repeats


def whole_number(text: str, low: int, high: int) -> int:
    """Return the whole number that a text writes in digits alone, if it is from `low` to `high`."""
    if is_whole_number(text, low, high):
        return int(text)
    raise ValueError(f"must be a whole number from {low:,} to {high:,}, not {quote(text)}")


def whole_numbers(text: str, low: int, high: int) -> tuple[int, ...]:
    """Return the whole numbers in a text such as "1,2,4", each once, in rising order."""
    parts = text.split(",")
    if all(is_whole_number(part, low, high) for part in parts):
        return tuple(sorted({int(part) for part in parts}))
    raise ValueError(
        f"must be whole numbers from {low:,} to {high:,} with commas, such as 1,2,4, "
        f"not {quote(text)}"
    )


def is_whole_number(text: str, low: int, high: int) -> bool:
    """Return whether a text writes a whole number from `low` to `high` in digits alone."""
    return re.fullmatch("[0-9]{1,18}", text) is not None and low <= int(text) <= high


def decimal_number(text: str, low: float, high: float, what: str = "a number") -> float:
    """Return the number that a text writes, such as "2" or "0.5", if it is from `low` to `high`.

    `what` is the number and its unit in the message, such as "a number of ms".
    """
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", text) and low <= float(text) <= high:
        return float(text)
    raise ValueError(f"must be {what} from {low:g} to {high:,g}, not {quote(text)}")


def seconds(text: str, low: float, high: float, example: str, unit: str = "s") -> float:
    """Return the seconds that a text writes, such as "200ms", "10s", "0.5s", "2m" or "1h".

    They must be from `low` to `high` seconds. `unit` is the unit of a number without one; where it
    is "" a number without a unit is refused. `example` stands in the message.
    """
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d|)", text)
    factor = SECONDS_OF.get(found[2] or unit) if found else None
    value = float(found[1]) * factor if found and factor else -1.0
    if low <= value <= high:
        return value
    with_unit = "" if unit else ", with its unit"
    between = f"from {write_seconds(low)} to {write_seconds(high)}"
    raise ValueError(f"must be {between}{with_unit}, such as {example}, not {quote(text)}")


def write_seconds(value: float) -> str:
    """Return a duration with the largest unit that it has at least one of, such as "10m"."""
    unit = "ms"  # SECONDS_OF goes from the smallest unit to the largest
    for larger, size in SECONDS_OF.items():
        if size <= value:
            unit = larger
    return f"{value / SECONDS_OF[unit]:g}{unit}"


def quote(text: str) -> str:
    """Return what a person wrote in quotes, short and harmless enough for a line or a page."""
    if len(text) <= QUOTED:
        return repr(text)
    return f"{text[:QUOTED]!r}… ({len(text):,} characters)"


def format_number(number: float, whole: bool | None = None) -> str:
    """Return a number as readers see it, such as "1,234", "12.3", "1.23" or "0.05".

    From 100 on it has no decimals, from 10 on one, from 0.095 on two; a smaller number has one
    digit that is not 0. With `whole` there are no decimals; it is left out where the number itself
    shall decide. "–" stands for what is not finite. The pages' js/numbers.js has the same rule.
    """
    if not math.isfinite(number):
        return "–"
    if whole is None:
        whole = number == math.floor(number)
    size = abs(number)
    if whole or size >= 100:
        digits = f"{Decimal(size).to_integral_value(ROUND_HALF_UP):,}"
    elif 0.000001 <= size < 0.095:
        digits = f"{Decimal(f'{size:.0e}'):f}"  # one digit that is not 0
    else:
        step = Decimal("0.1") if size >= 10 else Decimal("0.01")
        digits = str(Decimal(size).quantize(step, ROUND_HALF_UP))
    return f"-{digits}" if number < 0 else digits
