"""Who may do what: who is local, who may inspect."""

from django.conf import settings
from django.http import HttpRequest

LOOPBACK = ("127.0.0.1", "::1")
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


def is_local(request: HttpRequest) -> bool:
    """Return whether the client is on this machine, without a proxy; never at a public lab."""
    return (
        not settings.PUBLIC
        and request.META.get("REMOTE_ADDR") in LOOPBACK
        and not any(header in request.headers for header in PROXY_HEADERS)
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
