"""Django's request, made so that its headers and its body cannot break the lab.

Django decodes the address and the form of a request by the charset that `Content-Type` names.
Python has encodings that decode no text (rot13, base64) or no address (utf-16): some end in an
exception outside the error pages, others drop the knobs without a word. The lab reads UTF-8 alone.
"""

from django.core.exceptions import BadRequest
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters

READABLE = ("utf-8", "utf8", "us-ascii", "ascii")  # ASCII is a part of UTF-8
# What Python's parser of header parameters raises: an encoding that it does not have or cannot use,
# and (TypeError) a parameter in numbered and unnumbered parts at once.
UNREADABLE = (LookupError, TypeError, ValueError)


class CarefulRequest:
    """What both kinds of request share.

    `refusal` is the status, title and detail of the page with which a request is refused, or None.
    """

    refusal = None

    def refuse(self, detail):
        """Let the request be refused."""
        self.refusal = 400, "The lab cannot answer this request", detail

    def _set_content_type_params(self, meta):
        """Read Content-Type. Django calls this first of all, outside its own error handling."""
        self.content_type, self.content_params = "", {}
        header = meta.get("CONTENT_TYPE")
        if not header:
            return
        try:
            self.content_type, self.content_params = parse_header_parameters(header)
        except UNREADABLE:
            self.refuse(f"Its Content-Type cannot be read: {header[:80]}")
            return
        charset = self.content_params.pop("charset", "utf-8")
        if charset.lower() not in READABLE:
            self.content_type = ""
            self.refuse(f"Its Content-Type says charset={charset[:40]}: the lab reads UTF-8 alone.")

    def _load_post_and_files(self):
        """Read the form. The parts of a multipart form have parameters too."""
        try:
            super()._load_post_and_files()
        except UNREADABLE as error:
            self._mark_post_parse_error()
            raise BadRequest("Its form cannot be read.") from error


class LabRequest(CarefulRequest, WSGIRequest):
    """A request of the WSGI application."""


class AsyncLabRequest(CarefulRequest, ASGIRequest):
    """A request of the ASGI application."""
