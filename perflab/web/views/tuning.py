"""Which settings proved themselves on this machine: the last `manage.py load --tuning`."""

from django.shortcuts import render

from perflab.load import store
from perflab.load.comparisons import tuning

from ..errors import reads_only


@reads_only
def page(request):
    """The last kept run that turned settings on and off; without one, how to make it."""
    run = next((run for run in store.newest() if run.get("kind") == "tuning"), None)
    context = {
        "run": run,
        "date": run and store.date_of(run),
        "state": run and store.state_of(run),
        "switches": [found for found in map(row, (run or {}).get("switches", ())) if found],
        "least": tuning.LEAST_ROUNDS,
    }
    return render(request, "perflab/tuning.html", context)


def row(found):
    """A switch with its figures by the names that people read."""
    ratios = found.get("ratios", {})
    named = [(words, ratios[name]) for name, words in tuning.FIGURES.items() if name in ratios]
    return {**found, "figures": named}
