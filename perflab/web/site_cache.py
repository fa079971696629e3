"""Django's cache for a whole site, for the variants that have a `site_cache`.

A project puts UpdateCacheMiddleware first in MIDDLEWARE and FetchFromCacheMiddleware last. Here
UpdateMiddleware stands for the first one and FetchMiddleware for the last one. For a variant with
`site_cache_first` the first one fetches too, so that a hit passes no other middleware. Only the
pages of the variants with a `site_cache` are touched.
"""

from functools import cached_property

from django.middleware.cache import (
    CacheMiddleware,
    FetchFromCacheMiddleware,
    UpdateCacheMiddleware,
)
from django.urls import reverse

from perflab.catalogue import registry
from perflab.catalogue.knobs import BadKnob, Knobs

from .views.variants import variant_scope


class UpdateMiddleware:
    """Keep a new response in the cache, and answer from it where the variant wants that first."""

    def __init__(self, get_response):
        self.get_response = get_response

    @cached_property
    def cached(self):
        """Map a path to experiment, variant and Django's middleware, where there is one."""
        return {
            reverse("variant", args=[experiment.slug, variant.name]): (
                experiment,
                variant,
                self.make_middleware(variant),
            )
            for experiment in registry.experiments.values()
            for variant in experiment.variants
            if variant.site_cache
        }

    def make_middleware(self, variant):
        """Return Django's middleware that does the work for a variant."""
        if variant.site_cache_first:
            return CacheMiddleware(
                self.get_response, cache_timeout=variant.site_cache, key_prefix=""
            )
        middleware = UpdateCacheMiddleware(self.get_response)
        middleware.cache_timeout = variant.site_cache
        return middleware

    def __call__(self, request):
        found = self.cached.get(request.path)
        if found is None or request.inspect or getattr(request, "refusal", None):
            # A kept page must hold no toolbar, and a request that is refused gets no page.
            return self.get_response(request)
        experiment, variant, middleware = found
        try:
            chosen = Knobs.read_request(request, experiment)
        except BadKnob:
            return self.get_response(request)  # the view answers with the error page
        request.fetches_last = not variant.site_cache_first
        with variant_scope(experiment.slug, variant, chosen):
            return middleware(request)


class FetchMiddleware:
    """Answer from the cache in the last place, behind all other middlewares."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.fetch = FetchFromCacheMiddleware(get_response)

    def __call__(self, request):
        if getattr(request, "fetches_last", False):
            return self.fetch(request)
        return self.get_response(request)
