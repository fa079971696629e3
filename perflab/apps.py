from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class PerflabConfig(AppConfig):
    """The bench. It finds the experiments of every installed app as Django finds admin modules."""

    name = "perflab"

    def ready(self):
        autodiscover_modules("experiments")
