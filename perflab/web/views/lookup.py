"""Lookups: the experiment or the variant that an address names, or a 404 page."""

from django.http import Http404

from perflab.catalogue import registry


def experiment_or_404(slug):
    """Return the experiment of this slug. Raises Http404."""
    try:
        return registry.get(slug)
    except KeyError:
        raise Http404(f"there is no experiment {slug}") from None


def variant_or_404(experiment, name):
    """Return the experiment's variant of this name. Raises Http404."""
    try:
        return experiment.variant(name)
    except KeyError:
        names = ", ".join(variant.name for variant in experiment.variants)
        raise Http404(f"{experiment.title} has the variants {names}") from None
