"""The WSGI application that Gunicorn serves: `gunicorn perflab.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "perflab.settings")
application = get_wsgi_application()
