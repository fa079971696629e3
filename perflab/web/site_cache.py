"""Django's cache for a whole site, for the variants that have a `site_cache`.

A project puts UpdateCacheMiddleware first in MIDDLEWARE and FetchFromCacheMiddleware last. Here
one middleware in the first place does the work of both, so that a hit passes no other middleware.
Only the pages of the variants with a `site_cache` pass through it.
"""

from functools import cached_property

from django.middleware.cache import CacheMiddleware
from django.urls import reverse

from perflab.catalogue import registry
from perflab.catalogue.knobs import BadKnob, Knobs

from .views.variants import variant_scope


class SiteCacheMiddleware:
    """Answer from the cache; keep a response there when it is new."""

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
        if found is None or request.inspect or getattr(request, "refusal", None):
            # A kept page must hold no toolbar, and a request that is refused gets no page.
            return self.get_response(request)
        experiment, name, middleware = found
        try:
            chosen = Knobs.read_request(request, experiment)
        except BadKnob:
            return self.get_response(request)  # the view answers with the error page
        with variant_scope(experiment.slug, experiment.variant(name), chosen):
            return middleware(request)
