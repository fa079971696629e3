"""Where a lesson shows and where it does not: what the comparison page says and offers."""

from dataclasses import replace
from urllib.parse import urlencode

from django.conf import settings

from perflab.catalogue import collection
from perflab.catalogue.knobs import PLAIN

from ..film_offers import offer_films


def setting_of(experiment, found):
    """Return the setting at which an experiment's page begins: its lesson's.

    Without the films that the lesson needs, it is the plain one. `found` is the collection, or
    None.
    """
    films = experiment.lesson.films
    has_films = not films or (found is not None and found.films >= films)
    return experiment.lesson if has_films else PLAIN


def describe_lesson(request, experiment, chosen, found):
    """Return what a template needs to say where the lesson shows, and to lead there.

    `shows` and `shows_not` are the addresses' query strings, "" for the setting at hand; `offer` is
    the button for more films, or for the real ones alone.
    """
    most = found.most_rows(experiment) if found else None
    lesson = within_limits(experiment.lesson, most)
    not_at = experiment.not_at and within_limits(experiment.not_at, most)
    if not lesson.cache and not_at and not_at.cache == chosen.cache:
        others = [cache for cache in settings.LAB_CACHES if cache != not_at.cache]
        lesson = replace(lesson, cache=others[0]) if others else lesson
    too_small = bool(found) and found.films < lesson.films
    is_empty = bool(found) and found.films == 0
    needs_fewer = bool(not_at and not_at.films and found and found.films > not_at.films)
    films = 0
    if is_empty or too_small:
        films = collection.real_films() if is_empty else lesson.films
    elif needs_fewer:
        films = not_at.films
    return {
        "too_small": too_small and not is_empty and experiment.runs_here,
        "needs_fewer": needs_fewer and experiment.runs_here,
        "shows": "" if too_small else query_to(experiment, chosen, lesson),
        "shows_not": query_to(experiment, chosen, not_at) if not_at and not not_at.films else "",
        "offer": offer_films(request, found, films) if films and experiment.runs_here else None,
    }


def within_limits(setting, most):
    """Return a setting with no more rows, and no longer a round trip, than can be asked for."""
    return replace(
        setting,
        movies=min(setting.movies, settings.MAX_MOVIES, most or settings.MAX_MOVIES),
        round_trip=min(setting.round_trip, settings.MAX_ROUND_TRIP_MS),
    )


def query_to(experiment, chosen, setting):
    """Return the query string that sets the knobs so; "" where they are set so already."""
    if chosen.is_at(setting, experiment.knobs):
        return ""
    own = setting.own_of(experiment.knobs)
    knobs = {"movies": setting.movies, "round_trip": f"{setting.round_trip:g}", **own}
    return urlencode(knobs | {"cache": setting.cache or chosen.cache})
