"""The WSGI application that Gunicorn serves: `gunicorn perflab.wsgi`."""

from perflab.base.entry import prepare_server

prepare_server()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - once it is known to be the lab's

application = get_wsgi_application()

from perflab.base.processes import runs_greenlets  # noqa: E402 - Django has to be set up first
from perflab.web.requests import LabRequest  # noqa: E402
from perflab.web.warm_up import keep_no_connections, refuse_foreign_database, warm_up  # noqa: E402

application.request_class = LabRequest
if runs_greenlets():
    keep_no_connections()
refuse_foreign_database()
warm_up(application)
