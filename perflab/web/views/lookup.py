"""Find what an address names, or answer 404."""

from django.http import Http404

from perflab.catalogue import registry


def experiment_or_404(slug):
    try:
        return registry.get(slug)
    except KeyError:
        raise Http404(f"there is no experiment {slug}") from None


def variant_or_404(experiment, name):
    try:
        return experiment.variant(name)
    except KeyError:
        names = ", ".join(variant.name for variant in experiment.variants)
        raise Http404(f"{experiment.title} has the variants {names}") from None
