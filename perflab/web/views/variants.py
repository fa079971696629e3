"""The page of one variant of an experiment, alone: the page that the lab measures."""

from contextlib import contextmanager
from functools import cache

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.module_loading import import_string

from perflab import caches
from perflab.base.config import count_cores
from perflab.base.processes import runs_greenlets
from perflab.catalogue import collection, needs, seeding_state
from perflab.catalogue.knobs import Knobs
from perflab.measure.round_trip import round_trip
from perflab.workers import scoreboard

from ..errors import error_page, reads_only
from .lookup import experiment_or_404, variant_or_404

NO_EVENT_LOOP = (
    "Its view runs an event loop of asyncio, of which a thread has one, and under gevent all "
    "requests of a worker share one thread: Django would refuse the queries of every page under "
    "way. Start the lab with another worker class: sync, gthread or asgi."
)


@reads_only
def variant(request, slug, name):
    """Show one variant of an experiment, alone. This is the page that the lab measures."""
    experiment = experiment_or_404(slug)
    chosen_variant = variant_or_404(experiment, name)
    if not experiment.runs_here:
        return error_page(
            request,
            409,
            f"This lesson needs {experiment.needs_in_words}",
            describe_needs(experiment),
        )
    if name != chosen_variant.name:
        address = reverse("variant", args=[slug, chosen_variant.name])
        return redirect(f"{address}?{request.META['QUERY_STRING']}".rstrip("?"))
    if runs_greenlets() and runs_event_loop(chosen_variant):
        return error_page(request, 409, "This variant does not run under gevent", NO_EVENT_LOOP)
    chosen = Knobs.read_request(request, experiment)
    queries = chosen_variant.queries.at(chosen.movies)
    chosen.refuse_if_too_slow(queries)
    view = with_middleware(synchronous(chosen_variant.view), chosen_variant.middleware)
    expected_ms = chosen.expected_ms(queries)
    if expected_ms < settings.EXPENSIVE_MS:
        with variant_scope(slug, chosen_variant, chosen):
            response = view(request, chosen.movies, **chosen.own)
    else:
        with (
            scoreboard.expensive_page(round(expected_ms), may_begin),
            variant_scope(slug, chosen_variant, chosen),
        ):
            response = view(request, chosen.movies, **chosen.own)
    if response.streaming:
        response.streaming_content = _chunks_in_scope(
            lambda: variant_scope(slug, chosen_variant, chosen), response.streaming_content
        )
    return response


def may_begin(pages, ms, places):
    """Return whether another expensive page may begin, beside `pages` of them.

    With it, all of them are expected to take `ms`. A private lab takes what its cores can make
    before the pages' deadline. A public one also keeps one of its places for other visitors.
    """
    if settings.PUBLIC and pages >= max(1, places - 1):
        return False
    return not pages or ms / count_cores() < settings.PAGE_DEADLINE_S * 1000


def runs_event_loop(variant):
    """Return whether a variant's view runs an event loop of asyncio."""
    return variant.event_loop or iscoroutinefunction(variant.view)


@cache
def synchronous(view):
    """Return the view as a plain function, also where it is written as a coroutine."""
    return async_to_sync(view) if iscoroutinefunction(view) else view


def with_middleware(view, names):
    """Return the view within the middleware of these dotted paths, the first one outermost."""
    if not names:
        return view

    def wrapper(request, rows, **own):
        def respond(request):
            return view(request, rows, **own)

        for name in reversed(names):
            respond = import_string(name)(respond)
        return respond(request)

    return wrapper


def variant_scope(slug, variant, chosen):
    """Give the code within the cache, the keys and the round trip that the knobs choose."""
    scope = caches.using(variant.cache or chosen.cache, slug, variant.name, chosen.cold)
    return far_scope(scope, chosen.round_trip) if chosen.round_trip else scope


@contextmanager
def far_scope(scope, milliseconds):
    """Add a simulated round trip to a scope."""
    with scope, round_trip(milliseconds):
        yield


def _chunks_in_scope(scope, stream):
    """Yield the chunks of a stream, each made in the scope in which the view ran.

    The scope ends with each chunk, so that it does not change what the thread does in between.
    """
    chunks = iter(stream)
    while True:
        with scope():
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def describe_needs(experiment):
    """Return what an experiment needs that this lab does not have, in a sentence."""
    lesson = f"{experiment.title} is a lesson on {experiment.needs_in_words}"
    if needs.is_database(experiment.needs):
        return f"{lesson}: start it with the DATABASE_URL of such a database."
    return f"{lesson}: start it with a Python that can run that."


@reads_only
def rows(request, slug):
    """Send how many rows there are for an experiment's page, and whether films are written now."""
    experiment = experiment_or_404(slug)
    found = {"rows": collection.renew().most_rows(experiment)}
    return JsonResponse({**found, "seeding": seeding_state.is_seeding()})
