"""The two calibrated pages, which show whether a site needs more workers or more cores."""

from django.conf import settings
from django.shortcuts import render

from perflab.catalogue import knobs

from .. import calibrated
from ..errors import reads_only


@reads_only
def io_bound(request):
    """Show a page whose worker waits for `?ms=50`."""
    return _page(request, "io", calibrated.wait)


@reads_only
def cpu_bound(request):
    """Show a page whose worker computes for `?ms=50` of CPU time."""
    return _page(request, "cpu", calibrated.compute)


def _page(request, bound, work):
    ms = knobs.read_work_ms(request.GET)
    rounds, wall_ms, cpu_ms = calibrated.measure(work, ms)
    context = {"bound": bound, "ms": ms, "rounds": rounds, "wall_ms": wall_ms, "cpu_ms": cpu_ms}
    context["max_ms"] = settings.MAX_WORK_MS
    return render(request, "perflab/calibrated.html", context)
