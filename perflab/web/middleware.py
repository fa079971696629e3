"""The two ways to look at a page, and the pages that say what went wrong.

Measure: no toolbar, nothing in the way. Inspect: a person's own navigation, toolbar on.
"""

from django.db import InterfaceError, OperationalError, ProgrammingError

from perflab.access import can_inspect
from perflab.catalogue.knobs import BadKnob

from .errors import Unavailable, error_page


class InspectMiddleware:
    """Decide how this request is looked at, and hide the question from everything behind."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        parts = request.META["QUERY_STRING"].split("&")
        request.inspect = can_inspect(request) and (
            "inspect=1" in parts or (is_navigation(request) and "inspect=0" not in parts)
        )
        # cache_page would file the page under another key.
        request.META["QUERY_STRING"] = "&".join(
            part for part in parts if not part.startswith(("inspect=", "trace="))
        )
        return self.get_response(request)


class ErrorPagesMiddleware:
    """A page that says what was wrong: a knob, a database without an answer, tables or columns."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, BadKnob):
            title = "A knob cannot be set like that"
            return error_page(request, 400, title, str(exception))
        if missing := missing_in_database(exception):
            title = f"The database has no {missing} yet"
            detail = "Run `manage.py migrate`, then `manage.py seed`."
        elif isinstance(exception, (OperationalError, InterfaceError)):
            title = "The database does not answer"
            detail = "What needs no database still works. Reload when it is back."
        elif isinstance(exception, Unavailable):
            title, detail = "A part of the lab does not answer", str(exception)
        else:
            return None
        return error_page(request, 503, title, detail)


def missing_in_database(exception):
    """What a query failed for want of, "tables" or "columns" as this version has them; else ""."""
    if not isinstance(exception, (OperationalError, ProgrammingError)):
        return ""
    said, state = str(exception), getattr(exception.__cause__, "sqlstate", None)
    if "no such table" in said or state == "42P01":
        return "tables"
    return "columns of this version" if "no such column" in said or state == "42703" else ""


def is_navigation(request):
    """Whether a person's browser goes to this page itself, not a frame or a script in one."""
    headers = request.headers
    return (
        headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    )
