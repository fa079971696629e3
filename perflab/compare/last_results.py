"""The last ratio that was measured for each experiment on this machine, for the contents page."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from perflab.base.files import read_json, write_json


def write(
    slug: str,
    ratio: float,
    low: float,
    high: float,
    movies: int,
    round_trip: float,
    queries: list[int],
) -> None:
    """Write a ratio of medians, its 95 % interval, the knobs, and the (slow, fast) queries."""
    folder = settings.VAR / "results"
    folder.mkdir(exist_ok=True)
    result: dict[str, Any] = {"ratio": ratio, "low": low, "high": high, "queries": queries}
    result |= {"movies": movies, "round_trip": round_trip, "when": timezone.now().isoformat()}
    write_json(folder / f"{slug}.json", result)


def read(slug: str) -> dict[str, Any] | None:
    """Return what was last written for an experiment, or None. `when` is a datetime."""
    result = read_json(settings.VAR / "results" / f"{slug}.json", dict)
    if result is None:
        return None
    # An interval that holds 1 is no difference, whatever the ratio is.
    result["differs"] = not result["low"] <= 1 <= result["high"]
    result["faster"] = result["ratio"] >= 1
    result["times"] = max(result["ratio"], 1 / result["ratio"])
    return result | {"when": parse_datetime(result["when"])}
