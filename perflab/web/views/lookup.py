"""Find what an address names, or answer 404."""

from django.http import Http404

from perflab.catalogue import registry


def experiment_or_404(slug):
    try:
        return registry.get(slug)
    except KeyError:
        raise Http404(f"there is no experiment {slug}") from None


def rung_or_404(experiment, name):
    try:
        return experiment.rung(name)
    except KeyError:
        names = ", ".join(rung.name for rung in experiment.rungs)
        raise Http404(f"{experiment.title} has the sides {names}") from None
