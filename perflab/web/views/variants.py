"""The page of one variant of an experiment, alone: the page that the lab measures."""

from contextlib import contextmanager
from functools import cache

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from perflab import caches
from perflab.catalogue import collection, needs, seeding_state
from perflab.catalogue.knobs import Knobs
from perflab.measure.round_trip import round_trip

from ..errors import error_page, reads_only
from .lookup import experiment_or_404, variant_or_404


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
    chosen = Knobs.read_request(request, experiment)
    chosen.refuse_if_too_slow(chosen_variant.queries.at(chosen.movies))
    view = synchronous(chosen_variant.view)
    with variant_scope(slug, chosen_variant, chosen):
        response = view(request, chosen.movies, **chosen.own)
    if response.streaming:
        response.streaming_content = _chunks_in_scope(
            lambda: variant_scope(slug, chosen_variant, chosen), response.streaming_content
        )
    return response


@cache
def synchronous(view):
    """Return the view as a plain function, also where it is written as a coroutine."""
    return async_to_sync(view) if iscoroutinefunction(view) else view


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
