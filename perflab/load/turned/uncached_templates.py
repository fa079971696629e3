"""Django's settings, with each template read and compiled whenever it is needed."""

from perflab.settings import *  # noqa: F403
from perflab.settings import TEMPLATES

TEMPLATES[0]["APP_DIRS"] = False
# Named by themselves they are not put behind the caching one.
TEMPLATES[0]["OPTIONS"]["loaders"] = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
