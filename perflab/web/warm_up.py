"""Make a new worker's first visitor wait no longer than its second."""

from django.template.loader import get_template
from django.urls import reverse

from perflab.catalogue import registry
from perflab.compare.clients import InProcess

from . import calibrated


def warm_up(application):
    """Ask the WSGI application for a few pages, in this process, before anybody else does.

    It imports the views, compiles the templates and opens the database connection. Only fast
    variants that cache nothing are asked: a slow one may take seconds on a large collection, and no
    cache is to be warm before a visitor has warmed it.
    """
    calibrated.rounds_in_a_slice()  # calibrates
    experiments = registry.runnable()
    for variant in (variant for experiment in experiments for variant in experiment.variants):
        for name in variant.templates:
            get_template(name)
    paths = [reverse("contents"), reverse("comparison", args=[experiments[0].slug])]
    for experiment in experiments:
        if not experiment.caches:
            paths.append(reverse("variant", args=[experiment.slug, experiment.fast.name]))
    client = InProcess(application)
    for path in paths:
        client.get(f"{path}?movies=1")
