"""Actions that change the lab: each takes a POST from the lab's own machine alone."""

from functools import wraps

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from perflab import caches
from perflab.access import LOOPBACK, is_local
from perflab.catalogue.knobs import Knobs
from perflab.compare import bursts, last_results, story_turns
from perflab.workers import control

from ..errors import error_page, refuse_order, wants_json
from ..forms import DialForm, ResultForm, TurnForm
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
    data = experiment.story_data
    try:
        if data:
            story_turns.extend(data, request.POST.get("turn", ""))
    except story_turns.NotYourTurn as error:
        return refuse(str(error))
    with variant_scope(slug, chosen_variant, chosen):
        chosen_variant.change(request, chosen.movies, **chosen.own)
    if chosen.cold:  # the data is new for everybody, but the variant updated its cold entries alone
        caches.flush(slug)
    if data:
        story_turns.flush_others(data, slug)
    return HttpResponse(status=204)


@changes_the_lab
def story(request, slug):
    """Begin, restart or end a story that changes data: `action=begin&turn=…`.

    202 asks whoever wants to begin to wait for somebody else's end, and to ask again.
    """
    experiment = experiment_or_404(slug)
    if not experiment.story_data:
        raise Http404(f"The story of {experiment.title} changes no data")
    form = TurnForm(request.POST)
    if not form.is_valid():
        return HttpResponse(form.problem(), status=400, content_type="text/plain")
    act = {"begin": story_turns.begin, "restart": story_turns.restart, "end": story_turns.end}
    action = form.cleaned_data["action"]
    try:
        act[action](experiment.story_data, form.cleaned_data["turn"])
    except story_turns.NotYourTurn as error:
        return refuse(str(error), status=202 if action == "begin" else 409)
    return HttpResponse(status=204)


@changes_the_lab
def burst(request, slug, name):
    """Start a burst of requests to a variant, from a process outside the workers, with the knobs.

    It is as wide as the experiment's story says, and goes to this lab alone: to the loopback
    address and the port by which the request came. The JSON names the burst, whose result
    /bursts/ID.json tells, or says why to `wait` and to ask again.
    """
    experiment = experiment_or_404(slug)
    chosen_variant = variant_or_404(experiment, name)
    if not experiment.burst:
        raise Http404(f"The story of {experiment.title} has no burst")
    host, port = request.META.get("REMOTE_ADDR"), request.META["SERVER_PORT"]
    if host not in LOOPBACK or not port.isdecimal():
        raise PermissionDenied("A burst goes to a loopback address alone, and none is known here.")
    chosen = Knobs.read_request(request, experiment)
    cold = f"&cold={chosen.cold}" if chosen.cold else ""
    path = f"{reverse('variant', args=[slug, chosen_variant.name])}?{chosen.query_string()}{cold}"
    try:
        number = bursts.start(
            host=host,
            port=port,
            site=request.get_host(),
            path=path,
            number=experiment.burst,
        )
    except bursts.Busy as error:
        return JsonResponse({"wait": str(error)}, status=202)
    return JsonResponse({"burst": number}, status=202)


def refuse(reason, status=409):
    """Return the answer to an order that somebody else's is in the way of."""
    return HttpResponse(reason, status=status, content_type="text/plain")


@changes_the_lab
def flush(request, slug):
    """Make every worker forget the cache entries of this experiment, and of no other."""
    caches.flush(experiment_or_404(slug).slug)
    return HttpResponse(status=204)


@changes_the_lab
def result(request, slug):
    """Keep the verdict that the visitor's browser has reached, for the contents page."""
    experiment = experiment_or_404(slug)
    form = ResultForm(experiment, request.POST)
    if not form.is_valid():
        return HttpResponse(form.errors.as_text(), status=400, content_type="text/plain")
    values = form.cleaned_data
    check = [values.pop(f"check_{part}") for part in ("ratio", "low", "high")]
    checked = None if None in check else check
    last_results.write(experiment.slug, **values, check=checked)
    return HttpResponse(status=204)


@changes_the_lab
def workers(request):
    """Change the number of workers: `action=add&number=2`."""
    form = DialForm(request.POST)
    try:
        if not form.is_valid():
            raise control.InvalidOrder(form.problem())
        change = control.change_workers(settings.CONTROL_SOCKET, **form.cleaned_data)
    except control.ControlError as error:
        status = 400 if isinstance(error, control.InvalidOrder) else 503
        return refuse_order(request, status, "The number of workers was not changed", str(error))
    if wants_json(request):
        return JsonResponse({"before": change.before, "after": change.after})
    return redirect("system")
