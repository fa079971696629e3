"""Django's settings, with a database connection made for each request: Django's own default."""

from perflab.settings import *  # noqa: F403
from perflab.settings import DATABASES

DATABASES["default"]["CONN_MAX_AGE"] = 0
