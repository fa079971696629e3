"""Middleware: whether a request is measured or inspected, and the error pages.

A measured request runs without the debug toolbar. An inspected request is a person's own
navigation, and its page carries the toolbar.
"""

import errno
import logging
from itertools import chain

from django.conf import settings
from django.http import FileResponse
from django.middleware.common import CommonMiddleware

from perflab.access import can_inspect, is_from_elsewhere, is_local
from perflab.base.deadlines import OutOfTime
from perflab.catalogue import collection
from perflab.catalogue.knobs import BadKnob, NoRows, TooManyRows
from perflab.workers.scoreboard import TooMany

from . import database_failures
from .errors import Unavailable, error_page
from .film_offers import offer_films, offer_rows

logger = logging.getLogger("perflab.disk")
# What a full disk, a read-only one, and one that others own or that fails say.
NO_WRITING = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
)

# Status, title and detail. A page is expensive on purpose here, and any page of the web can ask for
# it as an image: hidden, and again and again.
FROM_ELSEWHERE = (
    403,
    "Another site asked for this page",
    "The lab serves its pages to people who open them, not to the pages of other sites.",
)

MAX_HOSTS = 100  # remembered: ALLOWED_HOSTS may accept any name below a domain


class InspectMiddleware:
    """Set `request.inspect`, and send the Content-Security-Policy.

    One middleware does both, because each layer costs every measured request something.

    The policy is the site's, or the one that the view gives its response by the attribute
    `content_security_policy`. Django has a middleware for it from version 6.0 on. Here it is always
    the same text, so nothing is built.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.policy = settings.CONTENT_SECURITY_POLICY

    def __call__(self, request):
        meta = request.META
        query = meta["QUERY_STRING"]
        # Most measured requests name neither, and come from no browser's own navigation.
        if "inspect=" in query or "trace=" in query:
            parts = query.split("&")
            wants = "inspect=1" in parts or ("inspect=0" not in parts and is_navigation(meta))
            # cache_page would file the page under another key.
            meta["QUERY_STRING"] = "&".join(
                part for part in parts if not part.startswith(("inspect=", "trace="))
            )
        else:
            wants = is_navigation(meta)
        request.inspect = wants and can_inspect(request)
        if is_from_elsewhere(request):  # ErrorPagesMiddleware answers it
            request.inspect, request.refusal = False, FROM_ELSEWHERE
        response = self.get_response(request)
        policy = getattr(response, "content_security_policy", self.policy)
        response.headers["Content-Security-Policy"] = policy
        return response


class HostCheckMiddleware(CommonMiddleware):
    """Django's CommonMiddleware, which refuses a request by a Host that is not in ALLOWED_HOSTS.

    A Host that was accepted once is accepted again at once: the answer depends on nothing else. Of
    Django's other checks the lab has set up none (user agents, www).

    /health/ answers by any Host: balancers and kubelets ask by an IP address. Nothing in its answer
    depends on the Host.
    """

    def __init__(self, get_response):
        super().__init__(get_response)
        self.accepted = set()

    def process_request(self, request):
        host = request.META.get("HTTP_HOST")
        if host in self.accepted or request.path_info == "/health/":
            return
        request.get_host()  # raises DisallowedHost
        if host and len(self.accepted) < MAX_HOSTS:
            self.accepted.add(host)


class ErrorPagesMiddleware:
    """Answer a bad knob, or a database that cannot be used, with a page that says what is wrong."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if refusal := getattr(request, "refusal", None):  # this module sets it, and web.requests
            return error_page(request, *refusal)
        response = self.get_response(request)
        if response.streaming and not response.is_async and not isinstance(response, FileResponse):
            return self.begin_stream(request, response)
        return response

    def begin_stream(self, request, response):
        """Return a streamed response whose first chunk is made, or the page of what went wrong.

        Without this the chunk would be made when the status had been sent, or outside the error
        pages. Whatever goes wrong later ends the connection without the last chunk.
        """
        stream = iter(response.streaming_content)
        try:
            first = next(stream, b"")
        except Exception as exception:
            response.close()
            page = self.process_exception(request, exception)
            if page is None:
                raise
            return page
        response.streaming_content = chain((first,), stream)
        return response

    def process_exception(self, request, exception):
        if isinstance(exception, NoRows):
            nothing = collection.Collection(films=0)
            button = offer_films(request, nothing, collection.real_films())
            return error_page(
                request, 503, "There are no films yet", "Run `manage.py seed`.", button
            )
        if isinstance(exception, TooManyRows):
            button = offer_rows(request, exception.asked)
            return error_page(request, 400, "There are not so many", str(exception), button)
        if isinstance(exception, BadKnob):
            title = "A knob cannot be set like that"
            return error_page(request, 400, title, str(exception))
        if isinstance(exception, TooMany):
            title = "Too many expensive pages are under way"
            response = error_page(request, 503, title, "Try again in some seconds.")
            response["Retry-After"] = "5"
            return response
        if isinstance(exception, OutOfTime):
            title = "The page took too long"
            detail = "The lab ended it before its worker would have been killed: ask for less."
            return error_page(request, 503, title, detail)
        if isinstance(exception, Unavailable):
            return error_page(request, 503, "A part of the lab does not answer", str(exception))
        if isinstance(exception, OSError) and exception.errno in NO_WRITING:
            logger.warning("%s %s: %s", request.method, request.path, exception)
            title = "The lab cannot write into its folder"
            where = f": {exception.filename}" if exception.filename and is_local(request) else ""
            return error_page(request, 507, title, f"{exception.strerror}{where}")
        if failure := database_failures.recognize(exception):
            database_failures.note(failure, exception)
            # The database's own words may name its host and its user.
            said = database_failures.in_one_line(exception) if is_local(request) else ""
            detail = f"{failure.advice} It says: {said}" if said else failure.advice
            return error_page(request, 503, failure.what, detail)
        return None


def is_navigation(meta):
    """Return whether a browser goes to this page itself, not for a frame or a script of a page.

    `meta` is request.META: request.headers would sort out all headers first.
    """
    return (
        meta.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and meta.get("HTTP_SEC_FETCH_DEST") == "document"
    )
