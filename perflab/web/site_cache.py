"""Django's cache for a whole site, in front of all the other middlewares, for the variants that
ask.

A project puts UpdateCacheMiddleware first in MIDDLEWARE and FetchFromCacheMiddleware last. Here
both stand first, as one, so that a hit passes no other middleware at all; and no page but those
of the variants with a `site_cache` ever meets them.
"""

from functools import cached_property

from django.middleware.cache import CacheMiddleware
from django.urls import reverse

from perflab.catalogue import registry
from perflab.catalogue.knobs import BadKnob, Knobs

from .views.variants import variant_scope


class SiteCacheMiddleware:
    """Look first whether the cache has the response, and keep it there when it has been made."""

    def __init__(self, get_response):
        self.get_response = get_response

    @cached_property
    def cached(self):
        """Map a path to experiment, variant and middleware, where there is a `site_cache`."""
        return {
            reverse("variant", args=[experiment.slug, variant.name]): (
                experiment,
                variant.name,
                CacheMiddleware(self.get_response, cache_timeout=variant.site_cache, key_prefix=""),
            )
            for experiment in registry.experiments.values()
            for variant in experiment.variants
            if variant.site_cache
        }

    def __call__(self, request):
        found = self.cached.get(request.path)
        if found is None or request.inspect:  # the toolbar is no part of anybody else's page
            return self.get_response(request)
        experiment, name, middleware = found
        try:
            chosen = Knobs.read(request.GET, experiment.knobs)
        except BadKnob:
            return self.get_response(request)  # the view says what is wrong with it
        with variant_scope(experiment.slug, experiment.variant(name), chosen):
            return middleware(request)
