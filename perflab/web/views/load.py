"""Load runs: kept ones as curves, two compared, and a short one started from the page."""

import gzip
import zlib
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe

from perflab.access import is_local
from perflab.base.config import count_cores
from perflab.base.messages import count_of
from perflab.catalogue import registry
from perflab.load import background, curves, scenarios, store
from perflab.load.comparisons.tuning import LEAST_ROUNDS
from perflab.load.model import CLASSES, LOAD, TUNING
from perflab.load.tables import describe_knobs
from perflab.load.wording import FIGURES
from perflab.workers import control

from ..errors import error_page, reads_only
from ..forms import LoadForm
from .actions import changes_the_lab

# Locust's report has its scripts and styles in itself. The sandbox gives it an origin of its own,
# which nothing of the lab trusts, and the policy forbids every request.
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'"
)
DEFAULTS = {  # what the form says before anybody has filled it in
    **{"scenario": "io-bound", "variant": "", "users": "16", "workers": "1,2,4"},
    **{"threads": "1", "seconds": "5"},
}


@dataclass(frozen=True)
class ListedRun:
    """What the list says of a run."""

    id: str
    title: str
    date: datetime | None
    state: str
    span: str  # of its points, such as "1–4 workers"
    best: float | None  # requests/s
    best_variant: str
    is_comparable: bool


@reads_only
def index(request):
    """Show all kept runs, the newest first, and the form for another."""
    return render_list(request, DEFAULTS)


def render_list(request, values, problem=""):
    """Return the page with these values in its form; with status 400 where they are a problem."""
    context = {
        "values": values,
        "problem": problem,
        "runs": [listed_run(run) for run in store.newest()],
        "more": max(0, len(store.names()) - store.SHOWN),
        "is_local": is_local(request),
        "now": progress_as_json(),
        "files": [name for name in scenarios.names() if name not in scenarios.SHAPED],
        "shaped": scenarios.SHAPED,
        "experiments": [e.slug for e in registry.runnable() if e.slug not in scenarios.names()],
        "cores": count_cores(),
        "ceiling": control.max_workers(),
        "form": LoadForm,
    }
    return render(request, "perflab/load.html", context, status=400 if problem else 200)


def listed_run(run):
    """Return what the list says of a run."""
    points = run.measured_points()
    best = max(points, key=lambda point: point.requests_per_s, default=None)
    return ListedRun(
        id=run.id,
        title=title_of(run),
        date=run.date,
        state=store.state_of(run),
        span=span_of(run),
        best=best and best.requests_per_s,
        best_variant=(best and best.variant) or "",
        is_comparable=bool(points),
    )


def span_of(run):
    """Return from where to where a run's points go, or how many there are and by what."""
    points = run.measured_points()
    spans = filter(None, (axis_span(points, name) for name in curves.AXES))
    if text := ", ".join(spans):
        return text
    count = len(run.points or run.switches or run.series)
    by = {CLASSES: "class", TUNING: "switch"}.get(run.kind)
    return f"{count}, by {by}" if by else f"{count}"


def axis_span(points, name):
    """Return "1–4 workers" of these points; "" where unknown, and for a single thread."""
    values = {getattr(point, name) for point in points} - {None}
    if not values or name == "threads" and values == {1}:
        return ""
    low, high = min(values), max(values)
    return count_of(low, name) if low == high else f"{low}–{high} {name}"


def title_of(run):
    """Return the scenario, and what was chosen differently from the defaults."""
    chosen = describe_knobs(run)
    if run.kind == LOAD and run.generator not in ("", "locust"):
        chosen.append(f"by {run.generator}")
    if run.load_workers:
        chosen.append(count_of(run.load_workers, "load workers"))
    return ", ".join([run.scenario, *chosen])


@reads_only
def detail(request, run_id):
    """Show one run: its curves, its points, how it was measured, and how to do it again."""
    run = run_or_404(run_id)
    reports = store.reports(run)
    others = [listed_run(other) for other in store.newest() if other.id != run.id]
    context = {
        "run": run,
        "title": title_of(run),
        "state": store.state_of(run),
        "charts": {name: mark_safe(svg) for name, svg in curves.charts(run).items()},
        "points": [(n, point, n in reports) for n, point in enumerate(run.points, 1)],
        "by_variant": any(point.variant for point in run.points),
        "opened": any(point.open for point in run.points),
        "named": any(point.name for point in run.points),
        "others": [other for other in others if other.is_comparable],
    }
    return render(request, "perflab/load_run.html", context)


@reads_only
def compare(request):
    """Show two runs in one chart, `?run=ID&run=ID`, and what changed from the first one."""
    ids = request.GET.getlist("run")
    if len(ids) != 2 or ids[0] == ids[1]:
        return error_page(request, 400, "Two runs are needed", "Choose two different runs.")
    one, other = (run_or_404(run_id) for run_id in ids)
    context = {
        "runs": [("A", one, title_of(one)), ("B", other, title_of(other))],
        "charts": {n: mark_safe(svg) for n, svg in curves.both_charts(one, other).items()},
        "differences": curves.differences(one, other),
        "figures": [label for _, label in curves.FIGURES],
        "swapped": f"{reverse('load_compare')}?run={other.id}&run={one.id}",
    }
    return render(request, "perflab/load_compare.html", context)


@reads_only
def tuning(request):
    """Show the last run that turned settings on and off; without one, how to make it."""
    run = store.newest_of(TUNING)
    context = {
        "run": run,
        "state": run and store.state_of(run),
        "switches": [(switch, named_ratios(switch)) for switch in run.switches] if run else [],
        "least": LEAST_ROUNDS,
    }
    return render(request, "perflab/tuning.html", context)


def named_ratios(switch):
    """Return the ratios of a switch, each with the name of its figure."""
    return [
        (words, switch.ratios[name]) for name, words in FIGURES.items() if name in switch.ratios
    ]


@reads_only
def as_json(request, run_id):
    """Send a run as it is kept."""
    run = run_or_404(run_id)
    response = JsonResponse(run.to_json(), json_dumps_params={"indent": 1})
    response["Content-Disposition"] = f'attachment; filename="{run_id}.json"'
    return response


@reads_only
def as_svg(request, run_id, name):
    """Send one drawing of a run as a file."""
    drawings = curves.charts(run_or_404(run_id))
    if name not in drawings:
        raise Http404("this run has no such drawing")
    response = HttpResponse(drawings[name], content_type="image/svg+xml")
    response["Content-Disposition"] = f'attachment; filename="{run_id}-{name}.svg"'
    return response


@reads_only
def report(request, run_id, number):
    """Send Locust's own report of one point."""
    run = run_or_404(run_id)
    try:
        packed = store.report_path(run.id, number).read_bytes()
        page = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):  # it is missing, or no report lies there
        raise Http404("Locust's report of this point is not kept") from None
    accepts_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(packed if accepts_gzip else page)
    if accepts_gzip:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    response.content_security_policy = REPORT_POLICY
    return response


@reads_only
def now(request):
    """Send where the run that is under way is, for a page that asks again and again."""
    response = JsonResponse(progress_as_json())
    response["Cache-Control"] = "no-store"
    return response


def progress_as_json():
    """Return `busy`, the `run` under way with its place, and the `problem` that ended a failed one.

    `share` is the part of all points that is measured.
    """
    run = store.under_way()
    busy = run is not None or background.is_busy()
    found = {"busy": busy, "run": None, "problem": "" if busy else background.last_message()}
    if run:
        url = reverse("load_run", args=[run.id])
        found["run"] = {"title": title_of(run), "url": url, "share": 0}
        if place := run.progress:
            of = max(1, place.of)
            share = (place.number - 1) / of
            if run.duration_s:
                share += min(1, place.seconds / run.duration_s) / of
            found["run"] |= {"share": round(share, 3), **place.to_json()}
    return found


@changes_the_lab
def start(request):
    """Start a run; it goes on by itself, and the list shows how far it is."""
    form = LoadForm(request.POST)
    if not form.is_valid():
        values = {name: request.POST.get(name, "")[:60] for name in DEFAULTS}
        return render_list(request, values, form.problem())
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


def run_or_404(run_id):
    """Return a kept run."""
    try:
        return store.read(run_id)
    except KeyError:
        raise Http404("this run is not kept") from None
