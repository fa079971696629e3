"""Django's settings, with a database connection made for each request: Django's own default."""

from perflab import settings
from perflab.settings import *  # noqa: F403

DATABASES = {**settings.DATABASES}
DATABASES["default"] = {**DATABASES["default"], "CONN_MAX_AGE": 0}
