"""The warm-up of a new worker, so that its first visitor waits no longer than the second."""

import sys
from contextlib import suppress

from django.db import Error, connections
from django.template.loader import get_template
from django.urls import reverse

from perflab.base.entry import BOOT_ERROR
from perflab.catalogue import registry
from perflab.compare.clients import InProcess
from perflab.measure.probe import probe
from perflab.ownership import NotOurs, check_database

from . import calibrated


def keep_no_connections():
    """Have each request close its connections to databases at its end.

    For servers where nobody could use them again: a greenlet, or a thread of ASGI, serves one
    request. Its connections would stay open until the garbage collector finds them, and a
    PostgreSQL that allows a hundred soon refuses more.
    """
    for settings in connections.settings.values():
        settings["CONN_MAX_AGE"] = 0


def refuse_foreign_database():
    """End this worker, and its server, in one line if the database is somebody else's.

    The pages of the warm-up would already write into it. One that is away may come back.
    """
    try:
        with probe(), suppress(Error):  # a probe: a silent server is waited for as by a page
            check_database()
    except NotOurs as found:
        print(f"perflab: {found}", file=sys.stderr, flush=True)
        sys.exit(BOOT_ERROR)


def warm_up(application):
    """Request a few pages from the WSGI application, in this process, before a visitor does.

    This imports the views, compiles the templates and opens the database connection. Only fast
    variants that cache nothing are requested: a slow variant may take seconds on a large
    collection, and a cache stays cold until a visitor warms it.
    """
    calibrated.count_slice_rounds()
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
        if client.get(f"{path}?movies=1").status == 503:
            return  # without a database every other page would wait for it too
