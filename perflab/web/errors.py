"""Pages for what went wrong: each says what was wrong and, where it can, what would be right."""

from functools import wraps

from django.shortcuts import render


class Unavailable(Exception):
    """A part that a page needs does not answer. The message says which, to its visitor."""


def error_page(request, status, title, detail=""):
    """Render an error as a page of the site. It needs no database, no cache and no valid Host."""
    context = {"status": status, "title": title, "detail": detail}
    return render(request, "perflab/error.html", context, status=status)


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

    # Nothing is changed by a request that is refused: let it be refused for the right reason.
    wrapper.csrf_exempt = True
    return wrapper


def bad_request(request, exception):
    """400: Django refuses the request itself, most often for its Host header."""
    return error_page(
        request,
        400,
        "The lab cannot answer this request",
        str(exception) or "Its address, its headers or its body are not valid.",
    )


def permission_denied(request, exception):
    """403."""
    return error_page(request, 403, "Not allowed", str(exception))


def csrf_failure(request, reason=""):
    """403: a form that did not come from one of our pages."""
    return error_page(
        request, 403, "The form was not sent from this site", "Reload the page and send it again."
    )


def not_found(request, exception):
    """404."""
    return error_page(
        request, 404, "There is no such page", f"Nothing lives at {request.path[:80]}"
    )


def server_error(request):
    """500: a defect of ours."""
    return error_page(
        request, 500, "Something broke in the lab", "This is a defect: the log has the traceback."
    )
