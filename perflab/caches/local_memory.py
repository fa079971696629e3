"""Django's cache in local memory, which lets go of what has expired, and has a limit in bytes.

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
MAX_BYTES = 64_000_000  # of the values of one cache, in each worker


class Entries(OrderedDict[str, bytes]):
    """The values of a cache by their keys, the newest first; `size` is their bytes together."""

    size = 0

    def __setitem__(self, key: str, value: bytes) -> None:
        self.size += len(value) - len(self.get(key, b""))
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        size = len(self[key])
        super().__delitem__(key)
        self.size -= size

    def popitem(self, last: bool = True) -> tuple[str, bytes]:
        """Remove the oldest entry, or the newest one, and return its key and its value."""
        key = next(reversed(self) if last else iter(self))
        value = self[key]
        del self[key]
        return key, value

    def clear(self) -> None:
        """Remove all entries."""
        super().clear()
        self.size = 0


class LocMemCache(locmem.LocMemCache):
    """Looks at the entries that nobody has read for longest, and drops those that have expired.

    Where all of them take up more than MAX_BYTES, those go first that have not expired. The entry
    that was just set stays.
    """

    # Of Django's class, whose types do not tell them.
    _cache: Entries
    _has_expired: Callable[[str], bool]
    _delete: Callable[[str], bool]

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        # The entries of all caches, by their names.
        locmem._caches.setdefault(name, Entries())  # type: ignore[attr-defined]  # not in the types
        super().__init__(name, params)

    def _set(self, key: str, value: bytes, timeout: float | None = DEFAULT_TIMEOUT) -> None:
        for _ in range(DROPPED_AT_ONCE):
            oldest = next(reversed(self._cache), None)
            if oldest is None or not self._has_expired(oldest):
                break
            self._delete(oldest)
        django: Any = super()
        django._set(key, value, timeout)
        while self._cache.size > MAX_BYTES and len(self._cache) > 1:
            self._delete(next(reversed(self._cache)))
