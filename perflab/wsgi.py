"""The WSGI application that Gunicorn serves: `gunicorn perflab.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "perflab.settings")
application = get_wsgi_application()

from perflab.web.requests import LabRequest  # noqa: E402 - Django has to be set up first
from perflab.web.warm_up import warm_up  # noqa: E402

application.request_class = LabRequest
warm_up(application)
