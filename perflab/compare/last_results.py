"""The last ratio that was measured for each experiment on this machine, for the contents page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from perflab.base.files import read_json, write_json
from perflab.base.record import Malformed, Record
from perflab.measure.other_programs import BUSY_CORES
from perflab.measure.stats import Ratio, format_ratio


@dataclass(frozen=True, kw_only=True)
class LastResult(Record):
    """What a file has to hold. Whatever else is in its place counts as no result."""

    ratio: float
    low: float
    high: float
    queries: list[int]
    movies: int
    round_trip: float
    when: datetime
    other_cores: float | None = None
    check: list[float] | None = None


def write(
    slug: str,
    ratio: float,
    low: float,
    high: float,
    movies: int,
    round_trip: float,
    queries: list[int],
    other_cores: float | None = None,
    check: list[float] | None = None,
) -> None:
    """Write a ratio, its 95 % interval, the knobs, and the (slow, fast) queries.

    `other_cores` is how many cores other programs kept busy meanwhile, and `check` the (ratio, low,
    high) of the last check of the machine; None where that is not known.
    """
    folder = settings.VAR / "results"
    folder.mkdir(exist_ok=True)
    result: dict[str, Any] = {"ratio": ratio, "low": low, "high": high, "queries": queries}
    result |= {"movies": movies, "round_trip": round_trip, "when": timezone.now().isoformat()}
    result |= {"other_cores": other_cores, "check": check}
    write_json(folder / f"{slug}.json", result)


def read(slug: str) -> dict[str, Any] | None:
    """Return what was last written for an experiment, or None. `when` is a datetime."""
    try:
        known = LastResult.from_json(read_json(settings.VAR / "results" / f"{slug}.json", dict))
    except Malformed:
        return None
    if not known.ratio:
        return None
    result: dict[str, Any] = dict(vars(known))
    # An interval that holds 1 is no difference, whatever the ratio is.
    result["differs"] = Ratio(result["ratio"], result["low"], result["high"]).differs
    result["faster"] = result["ratio"] >= 1
    result["times"] = format_ratio(max(result["ratio"], 1 / result["ratio"]))
    result["busy"] = (result.get("other_cores") or 0) > BUSY_CORES
    return result
