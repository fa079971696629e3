"""Make a new worker's first visitor wait no longer than its second."""

import io
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.urls import reverse

from . import registry


def warm_up(application):
    """Ask the WSGI application for a few pages, in this process, before anybody else does.

    It imports the views, compiles the templates and opens the database connection. Only rungs that
    cache nothing are asked, so that no cache is warm before a visitor has warmed it.
    """
    paths = [reverse("contents")]
    for experiment in registry.experiments.values():
        paths.append(reverse("comparison", args=[experiment.slug]))
        if not experiment.caches:
            paths += [reverse("rung", args=[experiment.slug, r.name]) for r in experiment.rungs]
    for path in paths:
        environ = {
            "PATH_INFO": path,
            "QUERY_STRING": "movies=1",
            "HTTP_HOST": settings.ALLOWED_HOSTS[0].removeprefix("."),
            "wsgi.input": io.BytesIO(),
            "wsgi.url_scheme": "https" if settings.HTTPS else "http",
            "HTTP_X_FORWARDED_PROTO": "https" if settings.HTTPS else "http",
        }
        setup_testing_defaults(environ)
        response = application(environ, lambda status, headers: None)
        response.close()
