"""The toolbar as an installed application: it leaves Django as it finds it."""

from debug_toolbar.apps import DebugToolbarConfig

from . import patches


class ToolbarConfig(DebugToolbarConfig):
    """The toolbar's own application, which patches Django when it is ready."""

    def ready(self):
        """Let the toolbar prepare its panels, and take out what they patch."""
        with patches.record():
            super().ready()
