"""The log of the lab: a request that is refused is one line there, without a traceback."""

import logging

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404

REFUSALS = (BadRequest, Http404, PermissionDenied, SuspiciousOperation)


class RefusalsInOneLine(logging.Filter):
    """Drop the traceback of a refusal: anybody can cause one, and it is no defect."""

    def filter(self, record):
        """Return True: each record is kept."""
        if record.exc_info and isinstance(record.exc_info[1], REFUSALS):
            record.exc_info = record.exc_text = None
        return True
