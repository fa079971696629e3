"""Every address of the lab."""

from django.conf import settings
from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.contents, name="contents"),
    path("experiments.json", views.catalogue, name="catalogue"),
    path("experiments/<slug:slug>/", views.comparison, name="comparison"),
    path("experiments/<slug:slug>/rows.json", views.rows, name="rows"),
    path("experiments/<slug:slug>/flush/", views.flush, name="flush"),
    path("experiments/<slug:slug>/result/", views.result, name="result"),
    path("experiments/<slug:slug>/<slug:name>/", views.rung, name="rung"),
    path("experiments/<slug:slug>/<slug:name>/change/", views.change, name="change"),
    path("traces/<slug:trace_id>.json", views.trace, name="trace"),
    path("traces/<slug:trace_id>/<int:statement>/plan/", views.trace_plan, name="trace_plan"),
    path("health/", views.health, name="health"),
    path("", include("movies.urls")),
]
if settings.TOOLBAR:
    urlpatterns.append(path("__debug__/", include("debug_toolbar.urls")))

handler400 = "perflab.errors.bad_request"
handler403 = "perflab.errors.permission_denied"
handler404 = "perflab.errors.not_found"
handler500 = "perflab.errors.server_error"
