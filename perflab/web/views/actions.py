"""Actions that change the lab: each takes a POST from the lab's own machine alone."""

from functools import wraps

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect

from perflab import caches
from perflab.access import is_local
from perflab.catalogue.knobs import Knobs
from perflab.compare import last_results
from perflab.workers import control

from ..errors import error_page
from ..forms import DialForm, ResultForm
from .lookup import experiment_or_404, variant_or_404
from .variants import variant_scope


def changes_the_lab(view):
    """Let the view take only a POST, with Django's CSRF check, from the lab's own machine."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        if request.method != "POST":
            response = error_page(request, 405, "This address changes the lab", "Send a POST.")
            response["Allow"] = "POST"
            return response
        if not is_local(request):
            raise PermissionDenied("Only a visitor on the lab's own machine may change it.")
        return view(request, *args, **kwargs)

    return wrapper


@changes_the_lab
def change(request, slug, name):
    """Make the change of a variant's story, with the variant's own cache keys."""
    experiment = experiment_or_404(slug)
    chosen_variant = variant_or_404(experiment, name)
    if not chosen_variant.change:
        raise Http404(f"{experiment.title} has nothing to change")
    chosen = Knobs.read_request(request, experiment)
    with variant_scope(slug, chosen_variant, chosen):
        chosen_variant.change(request, chosen.movies)
    if chosen.cold:  # the data is new for everybody, but the variant updated its cold entries alone
        caches.flush(slug)
    return HttpResponse(status=204)


@changes_the_lab
def flush(request, slug):
    """Make every worker forget the cache entries of this experiment, and of no other."""
    caches.flush(experiment_or_404(slug).slug)
    return HttpResponse(status=204)


@changes_the_lab
def result(request, slug):
    """Keep the result that the visitor's browser has measured, for the contents page."""
    experiment = experiment_or_404(slug)
    form = ResultForm(request.POST)
    if not form.is_valid():
        return HttpResponse(form.errors.as_text(), status=400, content_type="text/plain")
    values = form.cleaned_data
    queries = [values.pop("slow_queries"), values.pop("fast_queries")]
    check = [values.pop(f"check_{part}") for part in ("ratio", "low", "high")]
    checked = None if None in check else check
    last_results.write(experiment.slug, **values, queries=queries, check=checked)
    return HttpResponse(status=204)


@changes_the_lab
def workers(request):
    """Change the number of workers: `action=add&number=2`."""
    wants_json = request.headers.get("Accept") == "application/json"
    form = DialForm(request.POST)
    try:
        if not form.is_valid():
            raise control.InvalidOrder(form.problem())
        change = control.change_workers(settings.CONTROL_SOCKET, **form.cleaned_data)
    except control.ControlError as error:
        status = 400 if isinstance(error, control.InvalidOrder) else 503
        if wants_json:
            return JsonResponse({"problem": str(error)}, status=status)
        return error_page(request, status, "The number of workers was not changed", str(error))
    if wants_json:
        return JsonResponse({"before": change.before, "after": change.after})
    return redirect("system")
