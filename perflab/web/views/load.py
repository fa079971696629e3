"""Load runs: kept ones as curves, two over each other, and a short one started from the page."""

import gzip

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe

from perflab.access import is_local
from perflab.base.config import count_cores
from perflab.catalogue import registry
from perflab.load import background, curves, scenarios, store
from perflab.load import run as runs
from perflab.load.tables import knobs
from perflab.load.verdict import several
from perflab.workers import control

from ..errors import error_page, reads_only
from ..forms import LoadForm
from .actions import changes_the_lab

# Locust's report has its scripts and styles in itself. It gets an origin of its own, which nothing
# of the lab believes, and no way to ask for anything.
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'"
)


FIRST = {
    **{"scenario": "io-bound", "variant": "", "users": "16", "workers": "1,2,4"},
    **{"threads": "1", "seconds": "5"},
}


@reads_only
def index(request):
    """All kept runs, the newest first, and the form for another."""
    return listed(request, FIRST)


def listed(request, asked, problem=""):
    """The page with the form filled in as `asked`, a 400 where that was a problem."""
    context = {
        "asked": asked,
        "problem": problem,
        "runs": [row(run) for run in store.newest()],
        "more": max(0, len(store.names()) - store.SHOWN),
        "is_local": is_local(request),
        "now": progress(),
        "files": [name for name in scenarios.names() if name not in scenarios.BY_VARIANT],
        "shaped": scenarios.BY_VARIANT,
        "experiments": [e.slug for e in registry.runnable() if e.slug not in scenarios.names()],
        "cores": count_cores(),
        "ceiling": control.max_workers(),
        "form": LoadForm,
    }
    return render(request, "perflab/load.html", context, status=400 if problem else 200)


def row(run):
    """What the list says of a run."""
    points = curves.measured(run)
    axis = {"classes": "class", "tuning": "switch"}.get(run.get("kind"), curves.axis_of(points))
    found = run["points"] or run.get("switches") or run.get("series") or ()
    best = max(points, key=lambda point: point.get("requests_per_s") or 0, default={})
    spans = filter(None, (span(points, name) for name in curves.AXES))
    return {
        "id": run["id"],
        "title": title_of(run),
        "date": store.date_of(run),
        "state": store.state_of(run),
        "span": ", ".join(spans) or (f"{len(found)}, by {axis}" if axis else str(len(found))),
        "best": best.get("requests_per_s"),
        "best_variant": best.get("variant") or "",
        "comparable": bool(points),
    }


def span(points, name):
    """ "1–4 workers" of these points; nothing of what is not known, nor of a single thread."""
    found = sorted({point[name] for point in points if isinstance(point.get(name), int)})
    if not found or name == "threads" and found == [1]:
        return ""
    return several(found[0], name) if len(found) == 1 else f"{found[0]}–{found[-1]} {name}"


def title_of(run):
    """The scenario, and what makes it another one than by default."""
    told = knobs(run)
    if run.get("generator", "locust") != "locust":
        told.append(f"by {run['generator']}")
    if run.get("load_workers"):
        told.append(several(run["load_workers"], "load workers"))
    return ", ".join([str(run["scenario"]), *told])


@reads_only
def detail(request, run_id):
    """One run: its curves, its points, how it was measured, and how to do it again."""
    run = run_or_404(run_id)
    points = [point for point in run["points"] if isinstance(point, dict)]
    reports = store.reports(run)
    others = [row(other) for other in store.newest() if other["id"] != run_id]
    context = {
        "run": run,
        "title": title_of(run),
        "date": store.date_of(run),
        "state": store.state_of(run),
        "charts": {name: mark_safe(svg) for name, svg in curves.charts(run).items()},
        "points": [(n, p, n in reports) for n, p in enumerate(points, 1)],
        "by_variant": any(point.get("variant") for point in points),
        "opened": any(point.get("open") for point in points),
        "named": any(point.get("name") for point in points),
        "others": [other for other in others if other["comparable"]],
    }
    return render(request, "perflab/load_run.html", context)


@reads_only
def compare(request):
    """Two runs over each other, `?run=ID&run=ID`, and what the second has gained on the first."""
    asked = request.GET.getlist("run")
    if len(asked) != 2 or asked[0] == asked[1]:
        return error_page(request, 400, "This takes two runs", "Choose two different ones.")
    one, other = (run_or_404(name) for name in asked)
    context = {
        "runs": [
            (letter, run, title_of(run), store.date_of(run))
            for letter, run in (("A", one), ("B", other))
        ],
        "charts": {n: mark_safe(svg) for n, svg in curves.both_charts(one, other).items()},
        "differences": curves.differences(one, other),
        "figures": [label for _, label in curves.FIGURES],
        "swapped": f"{reverse('load_compare')}?run={other['id']}&run={one['id']}",
    }
    return render(request, "perflab/load_compare.html", context)


@reads_only
def as_json(request, run_id):
    """A run as it is kept."""
    run = run_or_404(run_id)
    response = JsonResponse(run, json_dumps_params={"indent": 1})
    response["Content-Disposition"] = f'attachment; filename="{run_id}.json"'
    return response


@reads_only
def as_svg(request, run_id, name):
    """One drawing of a run as a file."""
    drawings = curves.charts(run_or_404(run_id))
    if name not in drawings:
        raise Http404("this run has no such drawing")
    response = HttpResponse(drawings[name], content_type="image/svg+xml")
    response["Content-Disposition"] = f'attachment; filename="{run_id}-{name}.svg"'
    return response


@reads_only
def report(request, run_id, number):
    """Locust's own report of one point."""
    run = run_or_404(run_id)
    try:
        packed = runs.report_of(run["id"], number).read_bytes()
    except OSError:
        raise Http404("Locust's report of this point is not kept") from None
    accepts = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(packed if accepts else gzip.decompress(packed))
    if accepts:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    response["Content-Security-Policy"] = REPORT_POLICY
    return response


@reads_only
def now(request):
    """Where the run that goes on is, for a page that asks again and again."""
    response = JsonResponse(progress())
    response["Cache-Control"] = "no-store"
    return response


def progress():
    """`busy`, the `run` that goes on with its place and its point, and what a failed one said."""
    run = store.under_way()
    busy = run is not None or background.is_busy()
    found = {"busy": busy, "run": None, "said": "" if busy else background.last_words()}
    if run:
        place = run.get("now") if isinstance(run.get("now"), dict) else {}
        url = reverse("load_run", args=[run["id"]])
        of = place.get("of") or 1
        share = (place.get("number", 1) - 1) / of
        if run.get("duration_s"):
            share += min(1, place.get("seconds", 0) / run["duration_s"]) / of
        found["run"] = {"title": title_of(run), "url": url, "share": round(share, 3), **place}
    return found


@changes_the_lab
def start(request):
    """Begin a run; it goes on by itself, and the list tells how far it is."""
    form = LoadForm(request.POST)
    if not form.is_valid():
        asked = {name: request.POST.get(name, "")[:60] for name in FIRST}
        return listed(request, asked, form.problem())
    try:
        background.start(form.arguments())
    except background.Busy as busy:
        return error_page(request, 409, "One run at a time", str(busy))
    return redirect("load")


@changes_the_lab
def stop(request):
    """End the run that a page started; what it has measured is kept."""
    if not background.stop():
        return error_page(request, 409, "Nothing to stop", "No run of this page is under way.")
    return redirect("load")


def run_or_404(name):
    try:
        return store.load(name)
    except KeyError:
        raise Http404("this run is not kept") from None
