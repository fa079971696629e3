"""Django's settings, with each template read and compiled whenever it is needed."""

from perflab import settings
from perflab.settings import *  # noqa: F403

# Django puts its own choice of loaders behind a cache, but not loaders that a setting names.
LOADERS = ("filesystem.Loader", "app_directories.Loader")
TEMPLATES = [{**settings.TEMPLATES[0], "APP_DIRS": False}]
TEMPLATES[0]["OPTIONS"] = {
    **TEMPLATES[0]["OPTIONS"],
    "loaders": [f"django.template.loaders.{name}" for name in LOADERS],
}
