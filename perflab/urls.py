"""Every address of the lab."""

from django.conf import settings
from django.urls import include, path

urlpatterns = []
if settings.TOOLBAR:
    urlpatterns.append(path("__debug__/", include("debug_toolbar.urls")))
