"""Every address of the lab."""

from django.conf import settings
from django.urls import include, path, register_converter
from django.urls.converters import SlugConverter

from perflab.web.views import actions, api, calibrated, collection, load, pages, system, variants


class VariantConverter(SlugConverter):
    """A variant's name: a slug that is no action on its experiment."""

    regex = "(?!(?:flush|result|story)/)[-a-zA-Z0-9_]+"


register_converter(VariantConverter, "variant")

urlpatterns = [
    # Django tries one pattern after the other, so the pages that are measured come first.
    path("experiments/<slug:slug>/<variant:name>/", variants.variant, name="variant"),
    path("", pages.contents, name="contents"),
    path("experiments.json", api.catalogue, name="catalogue"),
    path("experiments/<slug:slug>/", pages.comparison, name="comparison"),
    path("experiments/<slug:slug>/rows.json", variants.rows, name="rows"),
    path("experiments/<slug:slug>/flush/", actions.flush, name="flush"),
    path("experiments/<slug:slug>/result/", actions.result, name="result"),
    path("experiments/<slug:slug>/<slug:name>/change/", actions.change, name="change"),
    path("experiments/<slug:slug>/story/", actions.story, name="story"),
    path("experiments/<slug:slug>/<slug:name>/burst/", actions.burst, name="burst"),
    path("bursts/<slug:number>.json", api.burst, name="burst_json"),
    path("traces/<slug:trace_id>.json", api.trace, name="trace"),
    path("traces/<slug:trace_id>/<int:statement>/plan/", api.trace_plan, name="trace_plan"),
    path("collection.json", collection.as_json, name="collection_json"),
    path("collection/seed/", collection.seed, name="seed"),
    path("collection/stop/", collection.stop, name="stop_seeding"),
    path("io-bound/", calibrated.io_bound, name="io_bound"),
    path("cpu-bound/", calibrated.cpu_bound, name="cpu_bound"),
    path("system/", system.page, name="system"),
    path("system/workers/", actions.workers, name="workers"),
    path("system.json", system.as_json, name="system_json"),
    path("load/", load.index, name="load"),
    path("load/start/", load.start, name="load_start"),
    path("load/stop/", load.stop, name="load_stop"),
    path("load/now.json", load.now, name="load_now"),
    path("load/compare/", load.compare, name="load_compare"),
    path("load/<slug:run_id>/", load.detail, name="load_run"),
    path("load/<slug:run_id>.json", load.as_json, name="load_json"),
    path("load/<slug:run_id>/<slug:name>.svg", load.as_svg, name="load_svg"),
    path("load/<slug:run_id>/report/<int:number>/", load.report, name="load_report"),
    path("tuning/", load.tuning, name="tuning"),
    path("health/", api.health, name="health"),
    path("", include("movies.urls")),
]
if settings.TOOLBAR:
    urlpatterns.append(path("__debug__/", include("debug_toolbar.urls")))

handler400 = "perflab.web.errors.bad_request"
handler403 = "perflab.web.errors.permission_denied"
handler404 = "perflab.web.errors.not_found"
handler500 = "perflab.web.errors.server_error"
