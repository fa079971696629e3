from django.apps import AppConfig
from django.conf import settings
from django.core.signals import request_started
from django.db import close_old_connections, reset_queries
from django.utils.module_loading import autodiscover_modules


class PerflabConfig(AppConfig):
    """The bench. It imports `experiments` of every installed app, as Django does with `admin`."""

    name = "perflab"

    def ready(self):
        # Importing the probe has each connection's statements counted from its beginning.
        from perflab.measure import probe  # noqa: F401

        autodiscover_modules("experiments")
        skip_repeated_work()


def skip_repeated_work():
    """Let Django do once for a request what it does twice, or for nothing.

    It closes old connections when a request ends and when the next one begins, and without DEBUG it
    empties a list of statements that is always empty.
    """
    request_started.disconnect(close_old_connections)
    if not settings.DEBUG:
        request_started.disconnect(reset_queries)
