"""The WSGI application that Gunicorn serves: `gunicorn perflab.wsgi`."""

from perflab.base.entry import prepare_server

prepare_server()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - once it is known to be the lab's

application = get_wsgi_application()

from perflab.web.requests import LabRequest  # noqa: E402 - Django has to be set up first
from perflab.web.warm_up import warm_up  # noqa: E402

application.request_class = LabRequest
warm_up(application)
