"""The last verdict on each experiment that was reached on this machine, for the contents page.

A run that is not judged is not kept: the verdict before it stays.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from perflab.base.files import read_json, write_json
from perflab.base.record import Malformed, Record
from perflab.measure.other_programs import BUSY_CORES


@dataclass(frozen=True, kw_only=True)
class LastResult(Record):
    """What a file has to hold. Whatever else is in its place counts as no result."""

    ratio: float
    low: float
    high: float
    big: str
    small: str = ""
    best: str = ""
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
    big: str,
    small: str,
    best: str = "",
    other_cores: float | None = None,
    check: list[float] | None = None,
) -> None:
    """Write a ratio, its 95 % interval, the knobs, and the words of the headline (Headline).

    `other_cores` is how many cores other programs kept busy meanwhile, and `check` the (ratio, low,
    high) of the last check of the machine; None where that is not known.
    """
    folder = settings.VAR / "results"
    folder.mkdir(exist_ok=True)
    result: dict[str, Any] = {"ratio": ratio, "low": low, "high": high}
    result |= {"big": big, "small": small, "best": best}
    result |= {"movies": movies, "round_trip": round_trip, "when": timezone.now().isoformat()}
    result |= {"other_cores": other_cores, "check": check}
    write_json(folder / f"{slug}.json", result)


def write_measured(experiment: dict[str, Any], movies: int, round_trip: float) -> None:
    """Write the verdict of an experiment in the JSON of `measure`, which has one."""
    shown, headline, check = (experiment[name] for name in ("shown", "headline", "check"))
    write(
        experiment["slug"],
        ratio=shown["value"],
        low=shown["low"],
        high=shown["high"],
        movies=movies,
        round_trip=round_trip,
        big=headline["big"],
        small=headline["small"],
        best=headline["best"],
        other_cores=experiment["other_cores"],
        check=check and [check["value"], check["low"], check["high"]],
    )


def read(slug: str) -> dict[str, Any] | None:
    """Return what was last written for an experiment, or None. `when` is a datetime.

    A file of a version before has no words, and counts as none.
    """
    try:
        known = LastResult.from_json(read_json(settings.VAR / "results" / f"{slug}.json", dict))
    except Malformed:
        return None
    result: dict[str, Any] = dict(vars(known))
    result["busy"] = (result.get("other_cores") or 0) > BUSY_CORES
    return result
