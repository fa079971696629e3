"""The bench's pages: the contents, an experiment's two lanes, each lane alone, and its state."""

from contextlib import contextmanager
from functools import wraps

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseError
from django.db import connection
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from markdown_it import MarkdownIt

from . import caches, explain, knobs, registry, results, traces
from .errors import error_page, reads_only
from .forms import ResultForm
from .guard import guard_test
from .knobs import BadKnob, Knobs
from .middleware import is_local
from .round_trip import round_trip
from .sources import rung_sources

LOCAL_ONLY = "Traces and plans are for visitors on the lab's own machine."


def changes_the_lab(view):
    """Take a POST, with Django's CSRF check, from a visitor on the lab's own machine alone."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        if request.method != "POST":
            response = error_page(request, 405, "This address only takes orders", "Send a POST.")
            response["Allow"] = "POST"
            return response
        if not is_local(request):
            raise PermissionDenied("Only a visitor on the lab's own machine may change it.")
        return view(request, *args, **kwargs)

    return wrapper


prose = MarkdownIt("commonmark", {"html": False})


@reads_only
def contents(request):
    """The table of contents, in the article's three acts."""
    topics = {}
    for experiment in registry.experiments.values():
        last = results.last(experiment.slug)
        topics.setdefault(experiment.topic, []).append((experiment, last))
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
        chosen = Knobs.read(request.GET, experiment.knobs)
        runs = knobs.runs(request.GET)
        chosen.refuse_if_too_slow(max(r.queries.at(chosen.movies) for r in experiment.rungs))
    except BadKnob as error:
        return error_page(request, 400, "This knob cannot be turned so far", str(error))
    frames_inspect = request.GET.get("frames") == "inspect"
    sources = rung_sources(experiment.slug, experiment.rungs)
    lanes = []
    for rung in experiment.rungs:
        url = reverse("rung", args=[slug, rung.name])
        path = f"{url}?{chosen.query_string()}"
        lanes.append(
            {
                "rung": rung,
                "url": url,
                "path": path,
                "frame": path + ("&inspect=1" if frames_inspect else ""),
                "address": request.build_absolute_uri(path),
                "cold": rung.queries.at(chosen.movies),
                "warm": rung.promise(warm=True).at(chosen.movies),
                "sources": sources[rung.name],
                "framed": rung in (experiment.slow, experiment.fast) or len(experiment.ladder) < 4,
            }
        )
    context = {
        "experiment": experiment,
        "explanation": mark_safe(prose.render(experiment.explanation)),  # html=False escapes
        "summary": mark_safe(prose.renderInline(experiment.summary)),
        "cost": mark_safe(prose.renderInline(experiment.cost)),
        "lanes": lanes,
        "knobs": chosen,
        "runs": runs,
        "guess": request.GET.get("guess") != "0",
        "limits": knobs.catalogue(),
        "min_runs": knobs.MIN_RUNS,
        "max_runs": knobs.MAX_RUNS,
        "is_local": is_local(request),
        "guard": guard_test(experiment),
        "frames_inspect": frames_inspect,
        "can_inspect": settings.TOOLBAR,
        "vendor": connection.vendor,
        "own_knobs": [(knob, chosen.own[knob.name]) for knob in experiment.knobs],
        "too_small": _too_small(experiment),
        **_neighbours(slug),
    }
    return render(request, "perflab/comparison.html", context)


@reads_only
def rung(request, slug, name):
    """One rung of an experiment, alone: the page whose making is measured."""
    experiment = _experiment_or_404(slug)
    chosen_rung = _rung_or_404(experiment, name)
    if not experiment.here:
        return error_page(request, 409, "This lesson needs another database", _needs(experiment))
    try:
        chosen = Knobs.read(request.GET, experiment.knobs)
        chosen.refuse_if_too_slow(chosen_rung.queries.at(chosen.movies))
    except BadKnob as error:
        return error_page(request, 400, "This knob cannot be turned so far", str(error))
    view = chosen_rung.view
    if iscoroutinefunction(view):
        view = async_to_sync(view)
    with _scope(slug, chosen_rung, chosen):
        response = view(request, chosen.movies, **chosen.own)
    if response.streaming:
        response.streaming_content = _within(
            lambda: _scope(slug, chosen_rung, chosen), response.streaming_content
        )
    return response


@contextmanager
def _scope(slug, rung, chosen):
    """Where a rung works: with the cache, the keys and the distance that the knobs say."""
    alias = rung.cache or chosen.cache
    with caches.using(alias, slug, rung.name, chosen.cold), round_trip(chosen.round_trip):
        yield


def _within(scope, stream):
    """A stream's chunks, each made in the scope in which its view ran."""
    with scope():
        yield from stream


@changes_the_lab
def change(request, slug, name):
    """Make the change that a rung's story tells of, under the rung's own cache keys."""
    experiment = _experiment_or_404(slug)
    chosen_rung = _rung_or_404(experiment, name)
    if not chosen_rung.change:
        raise Http404(f"{experiment.title} has nothing to change")
    try:
        chosen = Knobs.read(request.GET, experiment.knobs)
    except BadKnob as error:
        return error_page(request, 400, "This knob cannot be turned so far", str(error))
    with _scope(slug, chosen_rung, chosen):
        chosen_rung.change(request)
    return HttpResponse(status=204)


@reads_only
def rows(request, slug):
    """How many rows the collection has for an experiment's page, as JSON."""
    return JsonResponse({"rows": _experiment_or_404(slug).count()})


@changes_the_lab
def flush(request, slug):
    """Forget the experiment's cache entries, in every worker; no other's, and no server's."""
    caches.flush(_experiment_or_404(slug).slug)
    return HttpResponse(status=204)


@changes_the_lab
def result(request, slug):
    """Keep what the visitor's browser has measured, for the contents page."""
    experiment = _experiment_or_404(slug)
    form = ResultForm(request.POST)
    if not form.is_valid():
        return HttpResponse(form.errors.as_text(), status=400, content_type="text/plain")
    values = form.cleaned_data
    queries = [values.pop("slow_queries"), values.pop("fast_queries")]
    results.keep(experiment.slug, **values, queries=queries)
    return HttpResponse(status=204)


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
                    "figure": experiment.figure,
                    "clock": experiment.clock,
                    "knobs": {
                        knob.name: {"choices": knob.choices, "default": knob.default}
                        for knob in experiment.knobs
                    },
                    "url": reverse("comparison", args=[experiment.slug]),
                    "rungs": [_rung_as_json(experiment, rung) for rung in experiment.rungs],
                }
                for experiment in registry.runnable()
            ],
            "elsewhere": {e.slug: e.needs for e in registry.experiments.values() if not e.here},
        }
    )


@reads_only
def trace(request, trace_id):
    """One traced request as JSON: its events, and its statements by shape and asking line."""
    if not is_local(request):
        raise PermissionDenied(LOCAL_ONLY)
    try:
        found = traces.load(trace_id)
    except KeyError:
        raise Http404("this trace is not kept any more") from None
    return JsonResponse({**found, "groups": traces.groups(found)})


@reads_only
def trace_plan(request, trace_id, statement):
    """The database's plan for one statement of a trace, as plain text."""
    if not is_local(request):
        raise PermissionDenied(LOCAL_ONLY)
    try:
        event = traces.load(trace_id)["events"][statement]
    except (KeyError, IndexError):
        raise Http404("this trace is not kept any more") from None
    try:
        text, status = explain.plan(event), 200
    except explain.NoPlan as reason:
        text, status = str(reason), 422
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


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


def _rung_or_404(experiment, name):
    try:
        return experiment.rung(name)
    except KeyError:
        names = ", ".join(rung.name for rung in experiment.rungs)
        raise Http404(f"{experiment.title} has the sides {names}") from None


def _needs(experiment):
    name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[experiment.needs]
    return f"{experiment.title} is a lesson on {name}: start the lab with a DATABASE_URL of one."


def _too_small(experiment):
    """How many films there are, where that is fewer than the lesson needs to show; else 0."""
    if not experiment.shows_from or not experiment.here:
        return 0
    found = experiment.count()
    return found if found < experiment.shows_from else 0


def _rung_as_json(experiment, rung):
    def promise(queries):
        return {"base": queries.base, "per_row": queries.per_row, "batch": queries.batch}

    return {
        "name": rung.name,
        "url": reverse("rung", args=[experiment.slug, rung.name]),
        "differs": rung.differs,
        "revalidates": rung.revalidates,
        "reference": rung.reference,
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
