"""LabCache, the backend of the alias "default": it stands in front of the real caches.

Experiments use Django's own API (`cache.get`, `cache_page`, `{% cache %}`); which backend answers,
and under which keys, is said around the view:

    with using("redis", "cache-page", "fast"):
        response = view(request)

See docs/caches.md.
"""

from .backend import LabCache, ping
from .keys import Scope, flush, using
from .outages import CacheRefused, NoAnswer, down

__all__ = ["LabCache", "NoAnswer", "CacheRefused", "Scope", "down", "flush", "ping", "using"]
