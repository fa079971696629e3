"""The machine and the lab's workers, live."""

from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import render

from .. import dial, system
from ..errors import reads_only
from ..middleware import is_local


@reads_only
def page(request):
    """The machine and the workers as they are now; a script keeps it up to date."""
    context = {
        "state": system.state(),
        "is_local": is_local(request),
        "can_dial": is_local(request) and bool(settings.CONTROL_SOCKET),
        "ceiling": dial.ceiling(),
    }
    return render(request, "perflab/system.html", context)


@reads_only
def as_json(request):
    """The same for scripts, a second apart, say: counters and the clock that they belong to."""
    response = JsonResponse(system.state())
    response["Cache-Control"] = "no-store"
    return response
