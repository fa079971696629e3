"""The toolbar's SQL panel, whose buttons repeat nothing but reads."""

from debug_toolbar.panels import sql
from django.urls import path

from . import sql_views


class SQLPanel(sql.SQLPanel):
    """The toolbar's own panel, with other answers of Sel and Expl.

    The toolbar's own ones run any statement again on the connection of the pages, writes too.
    """

    @classmethod
    def get_urls(cls):
        return [
            path("sql_select/", sql_views.select, name="sql_select"),
            path("sql_explain/", sql_views.explain, name="sql_explain"),
        ]
