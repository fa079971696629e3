"""Who may do what: who is local, who may inspect.

PERFLAB_LOCAL says who is local. A balancer that adds no header looks like a visitor on this
machine, so behind one the variable has to be `never`.
"""

from django.conf import settings
from django.http import HttpRequest

LOOPBACK = ("127.0.0.1", "::1")
# What proxies add, as WSGI names it. request.headers would sort out all headers first.
PROXY_HEADERS = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP"),
    *("HTTP_FORWARDED", "HTTP_VIA"),
)


def is_local(request: HttpRequest) -> bool:
    """Return whether the client counts as local: it may change the lab and read traces."""
    if settings.LOCAL == "loopback":
        return came_by_loopback(request)
    return bool(settings.LOCAL == "always")


def can_inspect(request: HttpRequest) -> bool:
    """Return whether the toolbar may be shown: it is installed, and the client is on this machine.

    PERFLAB_LOCAL can only forbid it here.
    """
    return settings.TOOLBAR and settings.LOCAL != "never" and came_by_loopback(request)


def came_by_loopback(request: HttpRequest) -> bool:
    """Return whether the connection comes from this machine, and no proxy says that it is one."""
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not any(
        header in request.META for header in PROXY_HEADERS
    )


def is_from_elsewhere(request: HttpRequest) -> bool:
    """Return whether a page of another site asks for this: as an image, a frame, or in advance.

    Browsers say so, and no page can change what they say. Another port of this machine is another
    site here. A link from elsewhere to the lab is a navigation of a person, and welcome.
    """
    site = request.META.get("HTTP_SEC_FETCH_SITE")
    if site is None or site in ("same-origin", "none"):
        return False
    destination = request.META.get("HTTP_SEC_FETCH_DEST")
    return destination != "document" or "HTTP_SEC_PURPOSE" in request.META


def show_toolbar(request: HttpRequest) -> bool:
    """Return whether the toolbar serves this request; it asks so for its own views too."""
    if not can_inspect(request):
        return False
    if request.path_info.startswith("/__debug__/"):
        return True
    return bool(request.inspect)  # type: ignore[attr-defined]  # web.middleware sets it
