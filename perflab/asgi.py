"""The ASGI application: `gunicorn --worker-class asgi perflab.asgi`.

The lab itself is served by WSGI. This application is for comparing the two (docs/do-more.md). The
views and the probe are sync, so Django runs each request in a thread of its own.
"""

from perflab.base.entry import prepare_server

prepare_server()

from django.core.asgi import get_asgi_application  # noqa: E402 - once it is known to be the lab's
from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_asgi_application()

from django.db import connections  # noqa: E402 - Django has to be set up first

from perflab.web.requests import AsyncLabRequest  # noqa: E402
from perflab.web.warm_up import keep_no_connections, refuse_foreign_database, warm_up  # noqa: E402

application.request_class = AsyncLabRequest
keep_no_connections()
refuse_foreign_database()
warm_up(get_wsgi_application())
# This thread serves no request, so no request would close the connections that the warm-up opened.
connections.close_all()
