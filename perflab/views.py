"""The bench's pages: the contents, an experiment's two lanes, each lane alone, and its state."""

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import Http404, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt

from . import caches, knobs, registry
from .errors import error_page, reads_only
from .knobs import BadKnob, Knobs
from .round_trip import round_trip
from .sources import rung_sources

prose = MarkdownIt("commonmark", {"html": False})


@reads_only
def contents(request):
    """The table of contents, in the article's three acts."""
    topics = {}
    for experiment in registry.experiments.values():
        topics.setdefault(experiment.topic, []).append(experiment)
    context = {
        "topics": topics,
        "caches": settings.LAB_CACHES,
        "control_socket": "" if settings.PUBLIC else settings.CONTROL_SOCKET,
    }
    return render(request, "perflab/contents.html", context)


@reads_only
def comparison(request, slug):
    """An experiment's page: all its rungs next to each other, each in a frame of its own."""
    experiment = _experiment_or_404(slug)
    try:
        chosen = Knobs.read(request.GET)
        chosen.refuse_if_too_slow(max(r.queries.at(chosen.movies) for r in experiment.rungs))
    except BadKnob as error:
        return error_page(request, 400, "This knob cannot be turned so far", str(error))
    frames_inspect = request.GET.get("frames") == "inspect"
    sources = rung_sources(experiment.slug, experiment.rungs)
    lanes = []
    for rung in experiment.rungs:
        path = reverse("rung", args=[slug, rung.name]) + "?" + chosen.query_string()
        lanes.append(
            {
                "rung": rung,
                "path": path,
                "frame": path + ("&inspect=1" if frames_inspect else ""),
                "address": request.build_absolute_uri(path),
                "cold": rung.queries.at(chosen.movies),
                "warm": rung.promise(warm=True).at(chosen.movies),
                "sources": sources[rung.name],
            }
        )
    context = {
        "experiment": experiment,
        "explanation": mark_safe(prose.render(experiment.explanation)),  # html=False escapes
        "summary": mark_safe(prose.renderInline(experiment.summary)),
        "cost": mark_safe(prose.renderInline(experiment.cost)),
        "lanes": lanes,
        "knobs": chosen,
        "limits": knobs.catalogue(),
        "frames_inspect": frames_inspect,
        "can_inspect": settings.TOOLBAR,
        "vendor": connection.vendor,
        **_neighbours(slug),
    }
    return render(request, "perflab/comparison.html", context)


@reads_only
def rung(request, slug, name):
    """One rung of an experiment, alone: the page whose making is measured."""
    experiment = _experiment_or_404(slug)
    try:
        chosen_rung = experiment.rung(name)
    except KeyError:
        names = " and ".join(r.name for r in experiment.rungs)
        raise Http404(f"{experiment.title} has the sides {names}") from None
    try:
        chosen = Knobs.read(request.GET)
        chosen.refuse_if_too_slow(chosen_rung.queries.at(chosen.movies))
    except BadKnob as error:
        return error_page(request, 400, "This knob cannot be turned so far", str(error))
    with caches.using(chosen.cache, slug, name, chosen.cold), round_trip(chosen.round_trip):
        return chosen_rung.view(request, chosen.movies)


@reads_only
def catalogue(request):
    """Every experiment as JSON, for Locust scenarios and other people's tools."""
    return JsonResponse(
        {
            "version": 1,
            "knobs": knobs.catalogue(),
            "experiments": [
                {
                    "slug": experiment.slug,
                    "title": experiment.title,
                    "act": experiment.act,
                    "topic": experiment.topic,
                    "rows": experiment.rows,
                    "url": reverse("comparison", args=[experiment.slug]),
                    "rungs": [_rung_as_json(experiment, rung) for rung in experiment.rungs],
                }
                for experiment in registry.experiments.values()
            ],
        }
    )


@reads_only
def health(request):
    """200 while the site can serve, with each part's state; 503 when the database is away."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        database = "up"
    except DatabaseError:
        database = "down"
    state = {
        "status": "ok",
        "instance": settings.INSTANCE,
        "database": {"vendor": connection.vendor, "state": database},
        "caches": {alias: "up" if caches.ping(alias) else "down" for alias in settings.LAB_CACHES},
    }
    if "down" in state["caches"].values():
        state["status"] = "degraded"
    if database == "down":
        state["status"] = "down"
    response = JsonResponse(state, status=503 if database == "down" else 200)
    response["Cache-Control"] = "no-store"
    return response


def _experiment_or_404(slug):
    try:
        return registry.get(slug)
    except KeyError:
        raise Http404(f"there is no experiment {slug}") from None


def _rung_as_json(experiment, rung):
    def promise(queries):
        return {"base": queries.base, "per_row": queries.per_row}

    return {
        "name": rung.name,
        "url": reverse("rung", args=[experiment.slug, rung.name]),
        "queries": {"cold": promise(rung.queries), "warm": promise(rung.promise(warm=True))},
    }


def _neighbours(slug):
    """The experiments before and after, for a reader who goes through them in order."""
    ordered = list(registry.experiments.values())
    position = [experiment.slug for experiment in ordered].index(slug)
    return {
        "previous": ordered[position - 1] if position else None,
        "next": ordered[position + 1] if position + 1 < len(ordered) else None,
    }
