"""Lookups: the experiment or the variant that an address names, and what the collection holds."""

from django.db import Error as DatabaseError
from django.http import Http404

from perflab.catalogue import collection, registry


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


def collection_now():
    """Return what the collection holds, for a page that is not measured: a few quick queries.

    While the database does not answer or has no tables, it is what the record says, or None.
    """
    try:
        return collection.renew()
    except DatabaseError:
        return collection.read()
