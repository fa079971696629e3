"""Error pages: each says what was wrong and, where it can, what would be right."""

from functools import wraps

from django.http import JsonResponse
from django.shortcuts import render


class Unavailable(Exception):
    """A part that a page needs does not answer. The message tells the visitor which part."""


def error_page(request, status, title, detail="", offer=None):
    """Return an error as a page of the site. It needs no database, no cache and no valid Host.

    `offer` is a FilmOffer, whose button helps.
    """
    context = {"status": status, "title": title, "detail": detail, "offer": offer}
    return render(request, "perflab/error.html", context, status=status)


def wants_json(request):
    """Return whether a script asks, which shows the answer itself."""
    return request.headers.get("Accept") == "application/json"


def refuse_order(request, status, title, reason):
    """Return why an order was refused: as JSON for a script, else as an error page."""
    if wants_json(request):
        return JsonResponse({"problem": reason}, status=status)
    return error_page(request, status, title, reason)


def reads_only(view):
    """Answer any method but GET and HEAD with a 405 page, before the view does any work."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        if request.method in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        response = error_page(
            request,
            405,
            "This page can only be read",
            f"{request.method[:20]} is not allowed here.",
        )
        response["Allow"] = "GET, HEAD"
        return response

    # A refused request changes nothing, so it needs no token. It gets the 405, not a 403.
    wrapper.csrf_exempt = True
    return wrapper


def bad_request(request, exception):
    """Return a 400 page. Django refuses such a request itself, most often for its Host header."""
    return error_page(
        request,
        400,
        "The lab cannot answer this request",
        str(exception) or "Its address, its headers or its body are not valid.",
    )


def permission_denied(request, exception):
    """Return a 403 page."""
    return error_page(request, 403, "Not allowed", str(exception))


def csrf_failure(request, reason=""):
    """Return a 403 page, for a form that did not come from a page of the lab.

    `reason` is Django's. Where it is the page's address, reloading does not help.
    """
    origin = request.META.get("HTTP_ORIGIN", "")[:100]
    advice = "Reload the page and send it again."
    if reason.startswith("Origin"):
        advice = (
            "The page has another address than the lab knows. If that is this lab, through a "
            f"forwarded port or a balancer, start it with CSRF_TRUSTED_ORIGINS={origin}."
        )
    return error_page(
        request, 403, "The form was not sent from this site", f"{reason[:200]} {advice}".strip()
    )


def not_found(request, exception):
    """Return a 404 page."""
    return error_page(
        request, 404, "There is no such page", f"The lab has no page at {request.path[:80]}"
    )


def server_error(request):
    """Return a 500 page, for a defect of the lab."""
    return error_page(
        request, 500, "Something broke in the lab", "This is a defect. The log holds the traceback."
    )
