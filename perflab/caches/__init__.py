"""LabCache, the backend of the alias "default": it stands in front of the real caches.

Experiments use Django's own API (`cache.get`, `cache_page`, `{% cache %}`). A block around the view
says which backend answers, and under which keys:

    with using("redis", "cache-page", "fast"):
        response = view(request)

See docs/caches.md.
"""

from .backend import LabCache, ping
from .keys import Scope, flush, using
from .outages import CacheRefused, NoAnswer, is_down

__all__ = ["CacheRefused", "LabCache", "NoAnswer", "Scope", "flush", "is_down", "ping", "using"]
