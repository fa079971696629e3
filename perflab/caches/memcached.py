"""Django's backend for Memcached, which does not hide a value that cannot be unpickled."""

import pickle
from typing import Any

from django.core.cache.backends import memcached
from pymemcache.serde import FLAG_PICKLE, PickleSerde


class StrictSerde(PickleSerde):
    """Raises where pymemcache's own logs a line and answers None, which LabCache would count."""

    def deserialize(self, key: str, value: bytes, flags: int) -> Any:
        if flags & FLAG_PICKLE:
            return pickle.loads(value)
        return super().deserialize(key, value, flags)


class PyMemcacheCache(memcached.PyMemcacheCache):
    """Django's, with the serializer above."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {}), "serde": StrictSerde()}
        super().__init__(server, {**params, "OPTIONS": options})
