"""One variant of an experiment, alone: the page whose making is measured."""

from contextlib import contextmanager

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from perflab import caches
from perflab.catalogue import needs
from perflab.catalogue.knobs import Knobs
from perflab.measure.round_trip import round_trip

from ..errors import error_page, reads_only
from .lookup import experiment_or_404, variant_or_404


@reads_only
def variant(request, slug, name):
    """One variant of an experiment, alone: the page whose making is measured."""
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
    chosen = Knobs.read(request.GET, experiment.knobs)
    chosen.refuse_if_too_slow(chosen_variant.queries.at(chosen.movies))
    view = chosen_variant.view
    if iscoroutinefunction(view):
        view = async_to_sync(view)
    with variant_scope(slug, chosen_variant, chosen):
        response = view(request, chosen.movies, **chosen.own)
    if response.streaming:
        response.streaming_content = _within(
            lambda: variant_scope(slug, chosen_variant, chosen), response.streaming_content
        )
    return response


@contextmanager
def variant_scope(slug, variant, chosen):
    """Where a variant works: with the cache, the keys and the distance that the knobs say."""
    alias = variant.cache or chosen.cache
    with caches.using(alias, slug, variant.name, chosen.cold), round_trip(chosen.round_trip):
        yield


def _within(scope, stream):
    """A stream's chunks, each made in the scope in which its view ran.

    The scope is left between two of them: what else this thread does then is not its business.
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
    """How many rows the collection has for an experiment's page, as JSON."""
    return JsonResponse({"rows": experiment_or_404(slug).row_count()})
