"""The knobs of an experiment's page: how many rows, how far the database, which cache, how cold.

They stand in the query string, so that an address says all about a measurement. They are checked
here and nowhere else.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.conf import settings
from django.http import QueryDict

from perflab.base import numbers

DEFAULT_MOVIES = 100
MIN_RUNS, MAX_RUNS, DEFAULT_RUNS = 5, 200, 20
DEFAULT_WORK_MS = 50
TOKEN = "[a-z0-9]{1,32}"
QUERY_MS = 0.5  # what a query is reckoned to take at the least, where a page is refused beforehand


class BadKnob(ValueError):
    """A knob that cannot be used. The message names it, its range and what was sent."""


@dataclass(frozen=True)
class Knobs:
    """The knobs' checked values."""

    movies: int  # rows on the page
    round_trip: float  # simulated, ms added to each query
    cache: str  # alias of the backend that `default` stands for
    cold: str = ""  # a token of one's own: with a fresh one no cache entry can be warm
    own: dict = field(default_factory=dict)  # the experiment's own, by name

    @classmethod
    def read(cls, query: QueryDict, own=()) -> "Knobs":
        """The knobs of a request, `request.GET`, and an experiment's `own`. Raises BadKnob."""
        return cls(
            movies=_whole_number(query, "movies", 1, settings.MAX_MOVIES, DEFAULT_MOVIES),
            round_trip=_decimal(query, "round_trip", 0, settings.MAX_ROUND_TRIP_MS, 0),
            cache=_choice(query, "cache", settings.LAB_CACHES),
            cold=_token(query, "cold"),
            own={knob.name: _number_of(query, knob) for knob in own},
        )

    def query_string(self) -> str:
        """The knobs as they stand in an address, those at their defaults too; a token never."""
        round_trip = f"{self.round_trip:g}"
        return urlencode(
            {"movies": self.movies, "round_trip": round_trip, "cache": self.cache, **self.own}
        )

    def refuse_if_too_slow(self, queries: int):
        """Raise BadKnob if so many queries, each with this round trip, would take too long."""
        expected_ms = queries * (QUERY_MS + self.round_trip)
        if expected_ms > settings.MAX_PAGE_MS:
            raise BadKnob(
                f"movies={self.movies} with round_trip={self.round_trip:g} promises "
                f"{queries:,} queries, some {expected_ms / 1000:.0f} s in the database. The lab "
                f"stops at {settings.MAX_PAGE_MS / 1000:g} s: lower one of the two."
            )


def runs(query: QueryDict) -> int:
    """How often the comparison page fetches each variant. Raises BadKnob."""
    return _whole_number(query, "runs", MIN_RUNS, MAX_RUNS, DEFAULT_RUNS)


def work_ms(query: QueryDict) -> int:
    """For how many ms a calibrated page waits or computes. Raises BadKnob."""
    return _whole_number(query, "ms", 0, settings.MAX_WORK_MS, DEFAULT_WORK_MS)


def catalogue() -> dict:
    """What each knob accepts and its default, for /experiments.json and the forms."""
    return {
        "movies": {"min": 1, "max": settings.MAX_MOVIES, "default": DEFAULT_MOVIES},
        "round_trip": {"min": 0, "max": settings.MAX_ROUND_TRIP_MS, "default": 0, "unit": "ms"},
        "cache": {"choices": settings.LAB_CACHES, "default": settings.LAB_CACHES[0]},
        "cold": {"pattern": TOKEN, "default": ""},
    }


def _only_value(query, name):
    """The knob's text, or None where it is not given."""
    values = query.getlist(name)
    if len(values) > 1:
        raise BadKnob(f"{name} is given {len(values)} times: give it once.")
    return values[0] if values else None


def _whole_number(query, name, low, high, default):
    value = _only_value(query, name)
    if value is None:
        return default
    try:
        return numbers.whole_number(value, low, high)
    except ValueError as error:
        raise BadKnob(f"{name} {error}.") from error


def _decimal(query, name, low, high, default):
    value = _only_value(query, name)
    if value is None:
        return default
    try:
        return numbers.decimal_number(value, low, high, "a number of ms")
    except ValueError as error:
        raise BadKnob(f"{name} {error}.") from error


def _choice(query, name, choices):
    value = _only_value(query, name)
    if value is None:
        return choices[0]
    if value not in choices:
        raise BadKnob(f"{name} must be one of {', '.join(choices)}, not {numbers.quote(value)}.")
    return value


def _number_of(query, knob):
    choices = [str(choice) for choice in knob.choices]
    value = _only_value(query, knob.name)
    if value is None:
        return knob.default
    if value not in choices:
        listed = ", ".join(choices)
        raise BadKnob(f"{knob.name} must be one of {listed}, not {numbers.quote(value)}.")
    return int(value)


def _token(query, name):
    value = _only_value(query, name)
    if value is None:
        return ""
    if not re.fullmatch(TOKEN, value):
        raise BadKnob(f"{name} must be 1 to 32 of a-z and 0-9, not {numbers.quote(value)}.")
    return value
