from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class PerflabConfig(AppConfig):
    """The bench. It imports `experiments` of every installed app, as Django does with `admin`."""

    name = "perflab"

    def ready(self):
        # Importing the probe has each connection's statements counted from its beginning.
        from perflab.measure import probe  # noqa: F401

        autodiscover_modules("experiments")
