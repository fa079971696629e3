"""A lab whose pages break where they are told to, and in which a page has 2 s.

Serve `tests.support.breaking_lab:wsgi` (or `:asgi`) in place of perflab.wsgi. /breaks/?after=3&
how=database streams three chunks, then fails; `how` is "database" or "defect". /computes/?s=9
computes for 9 s. A client of a unix socket has 1 s to take a piece of an answer.
"""

from importlib import import_module


def breaks(request):
    from django.db import OperationalError
    from django.http import StreamingHttpResponse

    failure = {"database": OperationalError("gone"), "defect": ValueError("a defect")}

    def chunks():
        for number in range(int(request.GET["after"])):
            yield f"chunk {number}\n"
        raise failure[request.GET["how"]]

    return StreamingHttpResponse(chunks(), content_type="text/plain")


def computes(request):
    import time

    from django.http import HttpResponse

    until = time.monotonic() + float(request.GET["s"])
    while time.monotonic() < until:
        sum(range(1000))
    return HttpResponse("computed")


def __getattr__(name):
    """Make the application, or `urlpatterns` when Django asks for it."""
    if name in ("wsgi", "asgi"):
        application = import_module(f"perflab.{name}").application

        from django.conf import settings

        from perflab.workers.serving import arrivals

        settings.ROOT_URLCONF = __name__
        settings.PAGE_DEADLINE_S = 2
        arrivals.ANSWER_S = 1  # for unix sockets: those of TCP got theirs before
        return application
    if name == "urlpatterns":
        from django.urls import include, path

        return [
            path("breaks/", breaks),
            path("computes/", computes),
            path("", include("perflab.urls")),
        ]
    raise AttributeError(name)


handler400 = "perflab.web.errors.bad_request"
handler500 = "perflab.web.errors.server_error"
