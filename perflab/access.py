"""Who may do what: who is local, who may inspect."""

from django.conf import settings
from django.http import HttpRequest

LOOPBACK = ("127.0.0.1", "::1")
# What proxies add, as WSGI names it. request.headers would sort out all headers first.
PROXY_HEADERS = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP"),
    *("HTTP_FORWARDED", "HTTP_VIA"),
)


def is_local(request: HttpRequest) -> bool:
    """Return whether the client is on this machine, without a proxy; never at a public lab."""
    return (
        not settings.PUBLIC
        and request.META.get("REMOTE_ADDR") in LOOPBACK
        and not any(header in request.META for header in PROXY_HEADERS)
    )


def can_inspect(request: HttpRequest) -> bool:
    """Return whether the toolbar may be shown: it is installed, and the client is local."""
    return settings.TOOLBAR and is_local(request)


def show_toolbar(request: HttpRequest) -> bool:
    """Return whether the toolbar serves this request; it asks so for its own views too."""
    if not can_inspect(request):
        return False
    if request.path_info.startswith("/__debug__/"):
        return True
    return bool(request.inspect)  # type: ignore[attr-defined]  # web.middleware sets it
