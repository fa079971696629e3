"""The yardstick: a Django project of one view that answers "ok", through Django's own middleware.

`manage.py probe_cost` serves it by a Gunicorn without any settings and compares the lab with it.
It has all the middleware that `startproject` gives to a new project.
"""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def bare(request):
    """Answer "ok", as the lab's bare variant does."""
    return HttpResponse("ok")


urlpatterns = [path("", bare)]


def make_application():
    """Return the WSGI application. Gunicorn calls this in a process of its own."""
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=[
            f"django.contrib.{app}" for app in ("auth", "contenttypes", "sessions", "messages")
        ],
        MIDDLEWARE=MIDDLEWARE,
        ROOT_URLCONF=__name__,
        SECRET_KEY="nothing is signed with this",
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",  # as the lab's
    )
    return get_wsgi_application()
