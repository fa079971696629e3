"""The machine and the lab's workers, live."""

from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import render

from perflab.access import is_local
from perflab.catalogue import collection
from perflab.measure import other_programs
from perflab.workers import control, live

from ..errors import reads_only
from ..film_offers import offer_films
from .lookup import collection_now


@reads_only
def page(request):
    """Show the machine and the workers as they are now. A script keeps the page up to date."""
    found = collection_now()
    real = collection.real_films()
    context = {
        "collection": found,
        "offer": offer_films(request, found, real) if found else None,
        "state": live.read_state(),
        "is_local": is_local(request),
        "can_dial": is_local(request) and bool(settings.CONTROL_SOCKET),
        "ceiling": control.max_workers(),
    }
    return render(request, "perflab/system.html", context)


@reads_only
def as_json(request):
    """Send the counters of the machine and the workers, with the clock that they belong to.

    With `client=1` they hold the CPU of the program that asks, if it runs on this machine.
    """
    client = []
    if request.GET.get("client") == "1" and is_local(request):
        peer = request.META["REMOTE_ADDR"], request.META.get("REMOTE_PORT", "")
        client = other_programs.find_client(*peer)
    response = JsonResponse(live.read_state(client))
    response["Cache-Control"] = "no-store"
    return response
