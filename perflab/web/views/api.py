"""The pages for programs: the catalogue, traces, query plans, and the lab's health."""

from dataclasses import asdict

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseError
from django.db import connection
from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse

from perflab import caches
from perflab.access import is_local
from perflab.catalogue import knobs, registry
from perflab.compare import bursts
from perflab.measure import query_plan, traces

from .. import database_failures
from ..errors import reads_only
from .lookup import collection_now

LOCAL_ONLY = "Traces and plans are for visitors on the lab's own machine."


@reads_only
def catalogue(request):
    """Send every experiment as JSON, for Locust scenarios and other people's tools."""
    found = collection_now()
    return JsonResponse(
        {
            "version": 2,
            "collection": found and {"films": found.films},
            "knobs": knobs.describe_knobs(found and found.films),
            "experiments": [
                {
                    "slug": experiment.slug,
                    "title": experiment.title,
                    "act": experiment.act,
                    "topic": experiment.topic,
                    "rows": experiment.rows,
                    "most_rows": found and found.most_rows(experiment),
                    "lesson": _lesson_as_json(experiment, found),
                    "figure": experiment.figure,
                    "price": experiment.price,
                    "clock": experiment.clock,
                    "knobs": {
                        knob.name: {"choices": knob.choices, "default": knob.default}
                        for knob in experiment.knobs
                    },
                    "url": reverse("comparison", args=[experiment.slug]),
                    "story": _story_as_json(experiment) if experiment.story else None,
                    "variants": [
                        _variant_as_json(experiment, variant) for variant in experiment.variants
                    ],
                }
                for experiment in registry.runnable()
            ],
            "elsewhere": {
                experiment.slug: experiment.needs
                for experiment in registry.experiments.values()
                if not experiment.runs_here
            },
        }
    )


def _story_as_json(experiment):
    return {
        "truth": experiment.truth,
        "changes": bool(experiment.story_data),
        "steps": [asdict(step) for step in experiment.story],
    }


def _lesson_as_json(experiment, found):
    """Return the knobs at which a lesson shows, the films that it needs, and those there are."""
    lesson = experiment.lesson
    given = {
        "movies": min(lesson.movies, settings.MAX_MOVIES),
        "round_trip": lesson.round_trip,
        **lesson.own_of(experiment.knobs),
    }
    if lesson.cache in settings.LAB_CACHES:
        given["cache"] = lesson.cache
    return {"films": lesson.films, "films_there": found.films if found else 0, "knobs": given}


def _variant_as_json(experiment, variant):
    def terms(queries):
        return {name: getattr(queries, name) for name in ("base", "per_row", "batch", "per_batch")}

    return {
        "name": variant.name,
        "url": reverse("variant", args=[experiment.slug, variant.name]),
        "differs": variant.differs,
        "revalidates": variant.revalidates,
        "reference": variant.reference,
        "body": variant.body,
        "queries": {"cold": terms(variant.queries), "warm": terms(variant.promise(warm=True))},
    }


@reads_only
def trace(request, trace_id):
    """Send a traced request as JSON: its events, and its statements by shape and line of code."""
    if not is_local(request):
        raise PermissionDenied(LOCAL_ONLY)
    try:
        found = traces.read(trace_id)
    except KeyError:
        raise Http404("this trace is not kept any more") from None
    return JsonResponse({**found, "groups": traces.group_queries(found)})


@reads_only
def burst(request, number):
    """Send what a burst brought as JSON, or 202 while it is under way."""
    if not is_local(request):
        raise PermissionDenied("Bursts are for visitors on the lab's own machine.")
    found = bursts.read(number)
    response = JsonResponse(found or {}, status=200 if found else 202)
    response["Cache-Control"] = "no-store"
    return response


@reads_only
def trace_plan(request, trace_id, statement):
    """Send the database's plan for one statement of a trace, as plain text."""
    if not is_local(request):
        raise PermissionDenied(LOCAL_ONLY)
    try:
        event = traces.read(trace_id)["events"][statement]
    except (KeyError, IndexError):
        raise Http404("this trace is not kept any more") from None
    try:
        text, status = query_plan.explain(event), 200
    except query_plan.NoPlan as reason:
        text, status = str(reason), 422
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


@reads_only
def health(request):
    """Send each part's state: with 200 while the site can serve, with 503 without a database."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        database = {"vendor": connection.vendor, "state": "up"}
    except DatabaseError as error:
        failure = database_failures.recognize(error) or database_failures.NO_ANSWER
        database_failures.note(failure, error)
        database = {"vendor": connection.vendor, "state": "down", "reason": failure.what}
    database["last_failure"] = database_failures.read_last()
    state = {
        "status": "ok",
        "instance": settings.INSTANCE,
        "database": database,
        "caches": {alias: caches.ping(alias) for alias in settings.LAB_CACHES},
    }
    if set(state["caches"].values()) != {"up"}:
        state["status"] = "degraded"
    if database["state"] == "down":
        state["status"] = "down"
    response = JsonResponse(state, status=503 if state["status"] == "down" else 200)
    response["Cache-Control"] = "no-store"
    return response
