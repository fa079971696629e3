"""A lab that tells what the toolbar has put around its Django.

Serve `tests.support.wrapped_lab:wsgi` (or `:asgi`) in place of perflab.wsgi: /wrappers/ lists what
this request finds, and /waits/ waits until there is a file `go` in var/, and then lists it too.
/fails/ and /streams/ use a template, the database and a cache first.
"""

import json
import time
from importlib import import_module


def find_wrappers():
    """Return what in Django's classes, on the connection and on the caches is not Django's own."""
    from django.core.cache import CacheHandler, caches
    from django.db import connection
    from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
    from django.template import RequestContext, Template
    from django.template.backends.jinja2 import Template as JinjaTemplate

    patched = [
        f"{one.__name__}.{name}"
        for one in (
            *(Template, RequestContext, JinjaTemplate, CacheHandler),
            *(CursorWrapper, CursorDebugWrapper, *type(connection).__mro__[:-1]),
        )
        for name, value in vars(one).items()
        if name in ("original_render", "_djdt_patched") or is_foreign(value)
    ]
    with connection.cursor() as cursor:
        kinds = [f"cursor: {kind.__name__}" for kind in type(cursor).__mro__ if is_foreign(kind)]
    held = (connection, *caches.all(initialized_only=True))
    names = [
        f"{type(one).__name__} object: {name}"
        for one in held
        for name, value in vars(one).items()
        if name.startswith("_djdt") or is_foreign(value)
    ]
    return patched + kinds + names


def is_foreign(value):
    """Return whether a function or a class is written in the toolbar, or in Django's tests."""
    modules = getattr(value, "__globals__", {}).get("__name__"), getattr(value, "__module__", "")
    return any(str(module).startswith(("debug_toolbar", "django.test")) for module in modules)


def wrappers(request):
    from django.core.cache import cache
    from django.http import JsonResponse

    cache.get("nothing")
    return JsonResponse({"wrappers": find_wrappers()})


def waits(request):
    from django.conf import settings

    while not (settings.VAR / "go").exists():
        time.sleep(0.01)
    return wrappers(request)


def use_everything():
    """Run a query, ask a cache and render a template, so that there is something to wrap."""
    from django.core.cache import caches
    from django.db import connection
    from django.template import engines

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    caches["local"].get("nothing")
    engines["django"].from_string("{{ 1 }}").render()


def fails(request):
    use_everything()
    raise RuntimeError("this page fails")


def streams(request):
    from django.http import StreamingHttpResponse

    def chunks():
        use_everything()
        yield " "  # the first chunk is made inside all middleware
        yield json.dumps({"wrappers": find_wrappers()})

    return StreamingHttpResponse(chunks())


def __getattr__(name):
    """Make the application, or `urlpatterns` when Django asks for it."""
    if name in ("wsgi", "asgi"):
        application = import_module(f"perflab.{name}").application

        from django.conf import settings

        settings.ROOT_URLCONF = __name__
        return application
    if name == "urlpatterns":
        from django.urls import include, path

        return [
            path("wrappers/", wrappers),
            path("waits/", waits),
            path("fails/", fails),
            path("streams/", streams),
            path("", include("perflab.urls")),
        ]
    raise AttributeError(name)
