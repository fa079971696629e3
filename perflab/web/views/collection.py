"""The collection's size: how far its seeding has come, and the buttons that change it."""

from django.http import JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from perflab.catalogue import collection, seeding_process, seeding_state

from ..errors import reads_only, refuse_order, wants_json
from ..forms import SeedForm
from .actions import changes_the_lab
from .lookup import collection_now


@reads_only
def as_json(request):
    """Send how many films there are, and how far a seeding has come: without a query."""
    found, state = collection.read(), seeding_state.read()
    response = JsonResponse(
        {
            "films": found and found.films,
            "seeding": seeding_state.is_seeding(),
            "last": state
            and {
                "target": state.target,
                "films": state.films,
                "stage": state.stage,
                "by_page": state.by_page,
                "has_ended": state.ended is not None,
                "was_stopped": state.was_stopped,
                "problem": state.problem,
            },
        }
    )
    response["Cache-Control"] = "no-store"
    return response


@changes_the_lab
def seed(request):
    """Start to write films: `films=100000`, with `reset=1` in place of those that are there."""
    form = SeedForm(request.POST)
    try:
        if not form.is_valid():
            return _refuse(request, 400, form.problem())
        found = collection_now()
        if found and not found.grows:
            return _refuse(request, 409, "These films are not the lab's own, so they stay.")
        seeding_process.start(form.cleaned_data["films"], form.cleaned_data["reset"])
    except seeding_process.Busy as busy:
        return _refuse(request, 409, str(busy))
    except OSError as error:
        return _refuse(request, 503, f"The seeding could not be started: {error.strerror}.")
    return _done(request)


@changes_the_lab
def stop(request):
    """Stop what a page has started. The films are then as they were before."""
    if not seeding_process.stop():
        return _refuse(request, 409, "No page has started to write films, or all are written.")
    return _done(request)


def _refuse(request, status, reason):
    return refuse_order(request, status, "The collection was not changed", reason)


def _done(request):
    """Send the visitor back to the page with the button."""
    if wants_json(request):
        return JsonResponse({}, status=202)
    back = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if is_ours else "contents")
