"""LabCache itself, and one call of it."""

import functools
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache, InvalidCacheKey
from django.db import Error as DatabaseError
from django.utils.module_loading import import_string
from django_redis.exceptions import ConnectionInterrupted
from pymemcache.exceptions import (
    MemcacheClientError,
    MemcacheError,
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
)
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from perflab.base.deadlines import OutOfTime
from perflab.measure.probe import count_cache_call, note_cache_trouble

from . import outages
from .keys import current_scope, flush, generation
from .outages import RETRY_AFTER_S, CacheRefused, NoAnswer, NotLetIn, is_down

logger = logging.getLogger("perflab.caches")
MISSING = object()
REFUSALS = (ResponseError, AuthenticationError, MemcacheServerError)
# What reading may raise that does not come from the value: a bad key, a database's error, the end
# of the page's time.
NOT_THE_VALUE = (NoAnswer, MemcacheClientError, InvalidCacheKey, DatabaseError, OutOfTime)
SILENCES = (MemcacheUnexpectedCloseError,)  # a MemcacheServerError all the same


def ping(alias: str) -> str:
    """Ask a backend to keep a value, for a short time-out at most.

    Return "up" if it does, "refusing" if it answers that it will not, else "down".
    """
    lab_cache = cast(LabCache, caches["default"])
    try:
        lab_cache.call_backend(alias, "set", "ping", "pong", 10)
        return "up" if lab_cache.call_backend(alias, "get", "ping") == "pong" else "down"
    except NoAnswer:
        return "refusing" if alias in outages.refusing else "down"


def _in_a_thread(method: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def run(self: "LabCache", *args: Any, **kwargs: Any) -> Any:
        return await sync_to_async(method, thread_sensitive=True)(self, *args, **kwargs)

    return run


class LabCache(BaseCache):
    """Chooses a backend, counts the calls for the probe, isolates variants and gives up quickly.

    The setting CACHE_BACKENDS names the backends. A LOCATION in CACHES is the alias of the one
    backend that it asks, whatever the request chooses. It has keys of its own there, so one backend
    can stand in front of itself.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.fixed_alias = location
        self._backends: dict[str, BaseCache] = {}

    def _backend(self, alias: str) -> BaseCache:
        """Return the real backend, made here from the settings."""
        if alias not in self._backends:
            params = dict(settings.CACHE_BACKENDS[alias])
            make = import_string(params.pop("BACKEND"))
            self._backends[alias] = make(params.pop("LOCATION", ""), params)
        return self._backends[alias]

    def call_backend(self, alias: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return what one method of one backend answers, without counting the call.

        Raises NoAnswer, and what the backend raises for mistakes of the caller.
        """
        retry_at = 0.0
        refuses = False
        try:
            return getattr(self._backend(alias), method)(*args, **kwargs)
        except MemcacheClientError:
            raise  # a mistake of the caller's, such as incrementing a text
        except (RedisError, ConnectionInterrupted, MemcacheError, OSError) as error:
            refuses = isinstance(error, REFUSALS) and not isinstance(error, SILENCES)
            if refuses and not isinstance(error, AuthenticationError):
                raise CacheRefused from error
            retry_at = time.monotonic() + RETRY_AFTER_S
            raise (NotLetIn if refuses else NoAnswer) from error
        finally:
            outages.retry_at[alias] = retry_at
            if refuses:
                outages.refusing.add(alias)
            elif outages.refusing:
                outages.refusing.discard(alias)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        with Call(self) as call:
            answer = call.read(call.full_key(key), version)
            call.count_keys(1, answer is not MISSING)
            return default if answer is MISSING else answer
        return default

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        with Call(self) as call:
            names = {call.full_key(key): key for key in keys}
            answer = call.read_many(list(names), version)
            call.count_keys(len(names), len(answer))
            return {names[key]: value for key, value in answer.items()}
        return {}

    def has_key(self, key: Any, version: int | None = None) -> bool:
        with Call(self) as call:
            answer = call("has_key", call.full_key(key), version=version)
            call.count_keys(1, answer)
            return bool(answer)
        return False

    def get_or_set(
        self,
        key: Any,
        default: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> Any:
        compute = functools.cache(default if callable(default) else lambda: default)
        with Call(self) as call:
            answer = call.read(call.full_key(key), version)
            call.count_keys(1, answer is not MISSING)
            if answer is not MISSING:
                return answer
            call("add", call.full_key(key), compute(), timeout, version=version)
            # Somebody else may have added a value meanwhile: then that is the value.
            return call("get", call.full_key(key), compute(), version=version)
        return compute()

    def set(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        with Call(self) as call:
            try:
                call("set", call.full_key(key), value, timeout, version=version)
            except CacheRefused:
                # No value is better than an old one.
                call("delete", call.full_key(key), version=version)
                raise

    def set_many(
        self,
        data: dict[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[Any]:
        with Call(self) as call:
            names = {call.full_key(key): key for key in data}
            values = {name: data[key] for name, key in names.items()}
            try:
                failed = call("set_many", values, timeout, version=version)
            except CacheRefused:
                call("delete_many", list(names), version=version)
                raise
            return [names[name] for name in failed or ()]
        return list(data)

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        with Call(self) as call:
            call("delete_many", [call.full_key(key) for key in keys], version=version)

    def _call_with_key(self, method: str, key: Any, *args: Any, version: int | None) -> Any:
        """Return what a call about one key answers, which reads no value; None for no answer."""
        with Call(self) as call:
            return call(method, call.full_key(key), *args, version=version)

    def add(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        return bool(self._call_with_key("add", key, value, timeout, version=version))

    def touch(
        self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return bool(self._call_with_key("touch", key, timeout, version=version))

    def delete(self, key: Any, version: int | None = None) -> bool:
        return bool(self._call_with_key("delete", key, version=version))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return self._number_or_error("incr", key, delta, version=version)

    def incr_version(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return self._number_or_error("incr_version", key, delta, version=version)

    def _number_or_error(self, method: str, key: Any, delta: int, version: int | None) -> int:
        """Return what a call answers that needs an entry; ValueError where there is no answer."""
        answer: int | None = self._call_with_key(method, key, delta, version=version)
        if answer is None:
            raise ValueError(f"Key {key!r} not found: the cache does not answer")
        return answer

    def clear(self) -> None:
        """Empty the caches of the experiment whose block we are in. No server is flushed whole."""
        scope = current_scope()
        flush(scope.experiment)
        scope.generation = generation(scope.experiment)

    def close(self, **kwargs: Any) -> None:
        for backend in self._backends.values():
            backend.close(**kwargs)

    # BaseCache would make several calls of each of these. Here each is one call.
    aget_many = _in_a_thread(get_many)
    aset_many = _in_a_thread(set_many)
    adelete_many = _in_a_thread(delete_many)
    ahas_key = _in_a_thread(has_key)
    aget_or_set = _in_a_thread(get_or_set)
    aincr = _in_a_thread(incr)
    aincr_version = _in_a_thread(incr_version)
    aclose = _in_a_thread(close)


class Call:
    """One call of a program's, perhaps in several steps. The probe counts it when the block ends.

    A block is left where a backend gives no answer, and the program goes on behind the block.
    """

    __slots__ = ("alias", "cache", "errors", "hits", "misses", "scope", "seconds")

    def __init__(self, cache: LabCache) -> None:
        self.cache = cache
        self.scope = current_scope()
        self.alias = cache.fixed_alias or self.scope.alias
        self.seconds = 0.0
        self.hits = self.misses = self.errors = 0

    def full_key(self, key: Any) -> str:
        """Return the key under which the backend keeps it."""
        return self.scope.full_key(f"only-{self.alias}:{key}" if self.cache.fixed_alias else key)

    def count_keys(self, read: int, found: int) -> None:
        """Note how many keys were read, and how many of them were there."""
        self.hits, self.misses = int(found), read - int(found)

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return what the backend answers, and count its time alone. Raises NoAnswer."""
        alias = self.alias
        if self.scope.failed_alias == alias or is_down(alias):
            raise NoAnswer
        if outages.retry_at.get(alias):
            # It is time to try again. This call does; the others still go without an answer.
            outages.retry_at[alias] = time.monotonic() + RETRY_AFTER_S
        started = time.perf_counter()
        try:
            return self.cache.call_backend(alias, method, *args, **kwargs)
        except NoAnswer as error:
            if not isinstance(error, CacheRefused):
                self.scope.failed_alias = alias
            raise
        finally:
            self.seconds += time.perf_counter() - started

    def read(self, key: str, version: int | None) -> Any:
        """Return the value under a full key; MISSING where there is none. Raises NoAnswer.

        A value that cannot be unpickled counts as an error and is deleted: it would fail again.
        """
        try:
            return self("get", key, MISSING, version=version)
        except NOT_THE_VALUE:
            raise
        except Exception as error:
            self._forget(key, version, error)
            return MISSING

    def read_many(self, keys: list[str], version: int | None) -> dict[str, Any]:
        """Return the values under these full keys by their keys. Raises NoAnswer.

        Where one of them cannot be unpickled, each is read alone.
        """
        try:
            return cast(dict[str, Any], self("get_many", keys, version=version))
        except NOT_THE_VALUE:
            raise
        except Exception:
            found = {key: self.read(key, version) for key in keys}
            return {key: value for key, value in found.items() if value is not MISSING}

    def _forget(self, key: str, version: int | None, error: Exception) -> None:
        self.errors += 1
        logger.warning("the value of %s in %s cannot be read: %r", key, self.alias, error)
        self("delete", key, version=version)

    def __enter__(self) -> "Call":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        unanswered = isinstance(error, NoAnswer)
        if unanswered:
            self.hits, self.misses, self.errors = 0, 0, 1
        if self.errors:
            refuses = unanswered and self.alias in outages.refusing
            trouble = "refuses" if refuses else "does not answer" if unanswered else "unreadable"
            note_cache_trouble(trouble)
        count_cache_call(self.alias, self.seconds, self.hits, self.misses, self.errors)
        return unanswered
