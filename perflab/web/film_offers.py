"""The button that adds films to the collection, or goes back to the real ones: what it says."""

import time
from dataclasses import dataclass
from math import ceil, log10

from perflab.access import is_local
from perflab.catalogue import collection, registry, seeding_state
from perflab.catalogue.seeding_state import Seeding

TOLD_S = 3600  # for how long a page tells of a seeding that failed


@dataclass(frozen=True)
class FilmOffer:
    """A button with what stands around it."""

    target: int  # films there are to be; 0 where nothing can be offered
    label: str
    reset: bool  # whether what is there is replaced
    is_local: bool  # whether this visitor may press it
    back: str  # path of the page with the button
    seeding: Seeding | None  # a run that is under way
    problem: str  # why the last one failed

    @property
    def share(self):
        """How much of a run is done, from 0 to 1."""
        state = self.seeding
        return f"{state.films / state.target:.3f}" if state and state.target else "0"


def offer_rows(request, rows):
    """Return the offer to have so many rows for the experiment's page that was asked for, or None.

    More films bring more directors too, say.
    """
    slug = request.resolver_match.kwargs.get("slug")
    found, experiment = collection.read(), registry.experiments.get(slug)
    if not found or not experiment:
        return None
    return offer_films(request, found, found.films_for(experiment, rows))


def offer_films(request, found, films):
    """Return the offer to have so many films; fewer than there are means the real ones alone.

    `found` is the collection. Films that were imported from IMDb are neither added to nor replaced.
    """
    state = seeding_state.read()
    is_under_way = bool(state) and state.ended is None
    was_lately = bool(state) and 0 <= time.time() - (state.ended or 0) < TOLD_S
    reset = films < found.films
    target = min(films, collection.most_films()) if found.grows else 0
    if reset:
        target = collection.real_films() if found.grows else 0
    return FilmOffer(
        target=0 if target == found.films else target,
        label=label_of(found, target),
        reset=reset,
        is_local=is_local(request),
        back=request.get_full_path(),
        seeding=state if is_under_way else None,
        problem=state.problem if was_lately and state.by_page else "",
    )


def label_of(found, target):
    """Return what the button says: "Add 98,149 films (about 6 s)"."""
    if target < found.films:
        return f"Back to the {target:,} real films"
    if found.films == 0 and target == collection.real_films():
        return f"Add the {target:,} real films{time_of(found.seconds_to(target))}"
    return f"Add {target - found.films:,} films{time_of(found.seconds_to(target))}"


def time_of(seconds):
    """Return " (about 6 s)", in one digit or two; "" where the time is not known."""
    if seconds is None:
        return ""
    if seconds > 90:
        return f" (about {ceil(seconds / 60)} min)"
    digits = 1 if seconds < 20 else 10 ** (int(log10(seconds)) - 1) * 5
    return f" (about {max(1, ceil(seconds / digits) * digits)} s)"
