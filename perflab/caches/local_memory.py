"""Django's cache in local memory, which lets go of what has expired when something is added.

Django's own drops an expired entry when it is read, or when there are MAX_ENTRIES. The lab allows
many entries, for a lesson that keeps one for each film, and cold runs leave entries that nobody
reads again. With Django's own they would pile up to MAX_ENTRIES whole pages.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from django.core.cache.backends import locmem
from django.core.cache.backends.base import DEFAULT_TIMEOUT

DROPPED_AT_ONCE = 2  # more than one is added, so that the expired ones grow fewer


class LocMemCache(locmem.LocMemCache):
    """Looks at the entries that nobody has read for longest, and drops those that have expired."""

    # Of Django's class, whose types do not tell them.
    _cache: OrderedDict[str, bytes]
    _has_expired: Callable[[str], bool]
    _delete: Callable[[str], bool]

    def _set(self, key: str, value: bytes, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        for _ in range(DROPPED_AT_ONCE):
            oldest = next(reversed(self._cache), None)
            if oldest is None or not self._has_expired(oldest):
                break
            self._delete(oldest)
        django: Any = super()
        django._set(key, value, timeout)
