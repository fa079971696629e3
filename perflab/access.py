"""Who may do what: who is local, who may inspect."""

from django.conf import settings

LOOPBACK = ("127.0.0.1", "::1")
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


def is_local(request):
    """Whether the client sits on this machine, with no proxy in between, at a lab not public."""
    return (
        not settings.PUBLIC
        and request.META.get("REMOTE_ADDR") in LOOPBACK
        and not any(header in request.headers for header in PROXY_HEADERS)
    )


def can_inspect(request):
    """Whether the toolbar may be shown: it is installed, and the client is local."""
    return settings.TOOLBAR and is_local(request)


def show_toolbar(request):
    """The toolbar's SHOW_TOOLBAR_CALLBACK; it guards the toolbar's own views too."""
    return can_inspect(request) and (request.path_info.startswith("/__debug__/") or request.inspect)
