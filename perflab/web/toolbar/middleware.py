"""The toolbar's middleware, which a measured request passes by."""

from debug_toolbar.middleware import DebugToolbarMiddleware
from debug_toolbar.toolbar import DebugToolbar
from debug_toolbar.views import render_panel

from ..errors import error_page
from . import patches
from .store import FolderStore


class ToolbarMiddleware(DebugToolbarMiddleware):
    """Put the toolbar into the page of an inspected request."""

    async_capable = False

    def __call__(self, request):
        if not request.inspect:
            return self.get_response(request)
        with patches.in_place():
            return super().__call__(request)

    def process_view(self, request, view, args, kwargs):
        """Answer 410 where a panel of a kept request is asked for that is not kept itself."""
        if view is not render_panel or not FolderStore.exists(request.GET.get("request_id", "")):
            return None
        panel_id = request.GET.get("panel_id")
        is_known = any(one.panel_id == panel_id for one in DebugToolbar.get_panel_classes())
        if not is_known or FolderStore.panel(request.GET["request_id"], panel_id):
            return None
        title = "The toolbar has not kept this panel"
        return error_page(request, 410, title, "Open the page again.")

    def process_exception(self, request, exception):
        """Answer an address of the toolbar that names no panel of it with a 404, not with a 500."""
        unreadable = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
        if request.path_info.startswith("/__debug__/") and isinstance(exception, unreadable):
            return error_page(request, 404, "The toolbar has no such panel")
        return None
