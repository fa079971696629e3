"""The knobs of an experiment's page: how many rows, how far the database, which cache, how cold.

They stand in the query string, so that an address says all about a measurement. No other module
checks them.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.signals import setting_changed
from django.db import Error as DatabaseError
from django.dispatch import receiver
from django.http import HttpRequest, QueryDict

from perflab.base import numbers

from . import collection
from .registry import DEFAULT_MOVIES, Choice, Experiment, Setting

MIN_RUNS, MAX_RUNS, DEFAULT_RUNS = 5, 200, 20
DEFAULT_WORK_MS = 50
GUESSES = ("ask", "skip", "again")  # again: ask even a browser that has given or skipped it
TOKEN = "[a-z0-9]{1,32}"
QUERY_MS = 0.5  # that a query takes at least, where a page is refused before it is made


PLAIN = Setting()  # what holds where nobody says otherwise
MAX_KNOWN = 500
_known: dict[tuple[Any, ...], "Knobs"] = {}  # what Knobs.read_request has read


@receiver(setting_changed)
def forget(**kwargs: Any) -> None:
    """Forget the knobs that were read under other settings."""
    _known.clear()


class BadKnob(ValueError):
    """A knob that cannot be used. The message names it, its range and what was sent."""


class TooManyRows(BadKnob):
    """More rows are asked for than there are. The message says how many there are."""

    def __init__(self, asked: int, most: int, rows: str) -> None:
        super().__init__(
            f"movies must be a whole number from 1 to {most:,}, not {asked:,}: this page has "
            f"{most:,} {rows} to show."
        )
        self.asked = asked


class NoRows(BadKnob):
    """There is nothing to show yet, whatever the knobs say."""

    def __init__(self) -> None:
        super().__init__("There are no films yet: run `manage.py seed`.")


@dataclass(frozen=True)
class Knobs:
    """The values of the knobs, all of them checked."""

    movies: int  # rows on the page
    round_trip: float  # simulated, ms added to each query
    cache: str  # alias of the backend that `default` stands for
    cold: str = ""  # a token of one's own: with a fresh one no cache entry can be warm
    own: dict[str, int] = field(default_factory=dict)  # the experiment's own, by name

    @classmethod
    def read(
        cls,
        query: QueryDict,
        own: Iterable[Choice] = (),
        most: int | None = None,
        rows: str = "films",
        default: Setting = PLAIN,
    ) -> "Knobs":
        """Return the knobs of a request, from `request.GET`, with an experiment's `own`.

        `most` is how many `rows` there are, None where that is not known. What is not given is as
        in `default`. Raises BadKnob.
        """
        movies = _whole_number(query, "movies", 1, settings.MAX_MOVIES, 0)
        if movies and most and movies > most:
            raise TooManyRows(movies, most, rows)
        return cls(
            movies=movies or min(default.movies, most or settings.MAX_MOVIES, settings.MAX_MOVIES),
            round_trip=_decimal(
                query,
                "round_trip",
                0,
                settings.MAX_ROUND_TRIP_MS,
                min(default.round_trip, settings.MAX_ROUND_TRIP_MS),
            ),
            cache=_choice(query, "cache", settings.LAB_CACHES, default.cache),
            cold=_token(query, "cold"),
            own={
                knob.name: _chosen_number(query, knob, default.own.get(knob.name, knob.default))
                for knob in own
            },
        )

    @classmethod
    def read_request(cls, request: HttpRequest, experiment: Experiment) -> "Knobs":
        """Return the knobs of a measured request. Raises BadKnob.

        A measurement asks for one address again and again, so they are kept by the query string.
        They may depend on nothing else but the settings, the experiment and the number of rows.
        """
        most = collection.most_rows(experiment)
        key = (request.META["QUERY_STRING"], experiment.knobs, experiment.rows, most)
        known = _known.get(key)
        if known is None:
            try:
                known = cls.read_for(request.GET, experiment, most)
            except (TooManyRows, NoRows):
                # The record may be old. This answer is no measurement, so it may run a query.
                with suppress(DatabaseError):
                    most = collection.renew().most_rows(experiment)
                known = cls.read_for(request.GET, experiment, most)
                key = (*key[:-1], most)
            if len(_known) >= MAX_KNOWN:
                _known.clear()
            _known[key] = known
        return known

    @classmethod
    def read_for(cls, query: QueryDict, experiment: Experiment, most: int | None) -> "Knobs":
        """Return the knobs for an experiment of which there are `most` rows.

        Raises BadKnob.
        """
        if most == 0:
            raise NoRows
        return cls.read(query, experiment.knobs, most, experiment.rows)

    def query_string(self) -> str:
        """Return the knobs as they stand in an address, all of them but the token."""
        round_trip = f"{self.round_trip:g}"
        return urlencode(
            {"movies": self.movies, "round_trip": round_trip, "cache": self.cache, **self.own}
        )

    def is_at(self, setting: Setting, own: Iterable[Choice]) -> bool:
        """Return whether the knobs are set so, the number of films aside."""
        chosen = (self.movies, self.round_trip, self.own)
        is_its_cache = setting.cache in ("", self.cache)
        return is_its_cache and chosen == (setting.movies, setting.round_trip, setting.own_of(own))

    def expected_ms(self, queries: int) -> float:
        """Return how many ms so many queries take at least, each with this round trip."""
        return queries * (QUERY_MS + self.round_trip)

    def refuse_if_too_slow(self, queries: int) -> None:
        """Raise BadKnob if so many queries, each with this round trip, would take too long."""
        expected_ms = self.expected_ms(queries)
        if expected_ms > settings.MAX_PAGE_MS:
            raise BadKnob(
                f"movies={self.movies} with round_trip={self.round_trip:g} needs "
                f"{queries:,} queries, some {expected_ms / 1000:.0f} s in the database. The lab "
                f"stops at {settings.MAX_PAGE_MS / 1000:g} s: lower one of the two."
            )


def read_runs(query: QueryDict) -> int:
    """Return how often the comparison page fetches each variant. Raises BadKnob."""
    return _whole_number(query, "runs", MIN_RUNS, MAX_RUNS, DEFAULT_RUNS)


def read_guess(query: QueryDict) -> str:
    """Return what a page does about the guess before its answers (GUESSES). Raises BadKnob."""
    return _choice(query, "guess", GUESSES)


def read_work_ms(query: QueryDict) -> int:
    """Return for how many ms a calibrated page waits or computes. Raises BadKnob."""
    return _whole_number(query, "ms", 0, settings.MAX_WORK_MS, DEFAULT_WORK_MS)


def describe_knobs(most: int | None = None) -> dict[str, dict[str, Any]]:
    """Return what each knob accepts and its default, for /experiments.json and the forms.

    `most` is how many rows there are, None where that is not known.
    """
    most = most or settings.MAX_MOVIES
    return {
        "movies": {
            "min": 1,
            "max": min(most, settings.MAX_MOVIES),
            "default": min(most, DEFAULT_MOVIES),
        },
        "round_trip": {"min": 0, "max": settings.MAX_ROUND_TRIP_MS, "default": 0, "unit": "ms"},
        "cache": {"choices": settings.LAB_CACHES, "default": settings.LAB_CACHES[0]},
        "cold": {"pattern": TOKEN, "default": ""},
    }


def _only_value(query: QueryDict, name: str) -> str | None:
    """Return the knob's text, or None where it is not given."""
    values = query.getlist(name)
    if len(values) > 1:
        raise BadKnob(f"{name} is given {len(values)} times: give it once.")
    return values[0] if values else None


def _whole_number(query: QueryDict, name: str, low: int, high: int, default: int) -> int:
    value = _only_value(query, name)
    if value is None:
        return default
    try:
        return numbers.whole_number(value, low, high)
    except ValueError as error:
        raise BadKnob(f"{name} {error}.") from error


def _decimal(query: QueryDict, name: str, low: float, high: float, default: float) -> float:
    value = _only_value(query, name)
    if value is None:
        return default
    try:
        return numbers.decimal_number(value, low, high, "a number of ms")
    except ValueError as error:
        raise BadKnob(f"{name} {error}.") from error


def _choice(query: QueryDict, name: str, choices: Sequence[str], default: str = "") -> str:
    value = _only_value(query, name)
    if value is None:
        return default if default in choices else choices[0]
    if value not in choices:
        raise BadKnob(f"{name} must be one of {', '.join(choices)}, not {numbers.quote(value)}.")
    return value


def _chosen_number(query: QueryDict, knob: Choice, default: int) -> int:
    choices = [str(choice) for choice in knob.choices]
    value = _only_value(query, knob.name)
    if value is None:
        return default
    if value not in choices:
        listed = ", ".join(choices)
        raise BadKnob(f"{knob.name} must be one of {listed}, not {numbers.quote(value)}.")
    return int(value)


def _token(query: QueryDict, name: str) -> str:
    value = _only_value(query, name)
    if value is None:
        return ""
    if not re.fullmatch(TOKEN, value):
        raise BadKnob(f"{name} must be 1 to 32 of a-z and 0-9, not {numbers.quote(value)}.")
    return value
