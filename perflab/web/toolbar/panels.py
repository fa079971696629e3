"""The toolbar's panels that the lab changes: what they record, and what is left out of them."""

from contextvars import ContextVar

from debug_toolbar.panels import cache, sql, templates
from django.urls import path
from django.utils.functional import cached_property
from django.utils.html import format_html

from . import sql_views
from .store import LEFT_OUT, MAX_PANEL_BYTES

MB = 1_000_000


class Bounded:
    """A panel that says so where the store has left it out, since it was too large."""

    @property
    def nav_subtitle(self):
        return "Too large to keep" if LEFT_OUT in self.get_stats() else super().nav_subtitle

    @property
    def title(self):
        return self.nav_title if LEFT_OUT in self.get_stats() else super().title

    @cached_property
    def content(self):
        size = self.get_stats().get(LEFT_OUT)
        if size is None:
            return super().content
        return format_html(
            "<p>This panel is left out: it takes {} MB, and at most {} MB are kept. "
            "Open the page with fewer films.</p>",
            *(f"{size / MB:.1f}", MAX_PANEL_BYTES // MB),
        )


class CachePanel(Bounded, cache.CachePanel):
    """The toolbar's own panel, within bounds."""


class SQLPanel(Bounded, sql.SQLPanel):
    """The toolbar's own panel, with other answers of Sel and Expl.

    The toolbar's own ones run any statement again on the connection of the pages, writes too.
    """

    @classmethod
    def get_urls(cls):
        return [
            path("sql_select/", sql_views.select, name="sql_select"),
            path("sql_explain/", sql_views.explain, name="sql_explain"),
        ]


class TemplatesPanel(Bounded, templates.TemplatesPanel):
    """The toolbar's own panel, with the templates of its own request and of no other.

    Django's signal tells every panel what any thread renders. The toolbar's own panel keeps all of
    it, with the contexts: many MB where other threads draw large pages meanwhile.
    """

    _recording = ContextVar("the templates panel of this thread's request", default=None)

    def enable_instrumentation(self):
        self._recording.set(self)
        super().enable_instrumentation()

    def disable_instrumentation(self):
        super().disable_instrumentation()
        self._recording.set(None)

    def _store_template_info(self, sender, **kwargs):
        if self._recording.get() is self:
            super()._store_template_info(sender, **kwargs)
