"""The toolbar's middleware, which a measured request passes by."""

from debug_toolbar.middleware import DebugToolbarMiddleware

from ..errors import error_page
from . import patches


class ToolbarMiddleware(DebugToolbarMiddleware):
    """Put the toolbar into the page of an inspected request."""

    async_capable = False

    def __call__(self, request):
        if not request.inspect:
            return self.get_response(request)
        with patches.in_place():
            return super().__call__(request)

    def process_exception(self, request, exception):
        """Answer an address of the toolbar that names no panel of it with a 404, not with a 500.

        A panel whose file holds something else, or half of it, is none.
        """
        unreadable = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
        if request.path_info.startswith("/__debug__/") and isinstance(exception, unreadable):
            return error_page(request, 404, "The toolbar has no such panel")
        return None
