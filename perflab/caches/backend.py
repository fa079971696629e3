"""LabCache itself, and one call of it."""

import functools
import time

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.utils.module_loading import import_string
from django_redis.exceptions import ConnectionInterrupted
from pymemcache.exceptions import (
    MemcacheClientError,
    MemcacheError,
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
)
from redis.exceptions import RedisError, ResponseError

from perflab.measure.probe import count_cache_call

from . import outages
from .keys import current_scope, flush, generation
from .outages import LEFT_ALONE_S, CacheRefused, NoAnswer, down

MISSING = object()


def ping(alias) -> bool:
    """Whether a backend keeps a value just now; asks it, and takes a short time-out at most."""
    try:
        caches["default"].ask(alias, "set", "ping", "pong", 10)
        return caches["default"].ask(alias, "get", "ping") == "pong"
    except NoAnswer:
        return False


def _in_a_thread(method):
    async def run(self, *args, **kwargs):
        return await sync_to_async(method, thread_sensitive=True)(self, *args, **kwargs)

    return run


class LabCache(BaseCache):
    """Chooses a backend, counts the calls for the probe, isolates variants and gives up quickly.

    A LOCATION in the settings is the alias of the one backend that it asks, whatever the request
    chooses; under keys of its own, so that one backend can stand in front of itself.
    """

    def __init__(self, location, params):
        super().__init__(params)
        self.fixed_alias = location
        self._backends = {}

    def _backend(self, alias):
        """The real backend. Not `caches[alias]`: there the debug toolbar counts every call."""
        if alias not in self._backends:
            params = dict(settings.CACHES[alias])
            make = import_string(params.pop("BACKEND"))
            self._backends[alias] = make(params.pop("LOCATION", ""), params)
        return self._backends[alias]

    def ask(self, alias, method, *args, **kwargs):
        """One method of one backend, uncounted. Raises NoAnswer, and what the caller's bugs do."""
        left_alone_until = 0
        try:
            return getattr(self._backend(alias), method)(*args, **kwargs)
        except MemcacheClientError:
            raise  # the caller's: what it would raise is not a number, say
        except (RedisError, ConnectionInterrupted, MemcacheError, OSError) as error:
            refused = isinstance(error, (ResponseError, MemcacheServerError))
            if refused and not isinstance(error, MemcacheUnexpectedCloseError):
                raise CacheRefused from error
            left_alone_until = time.monotonic() + LEFT_ALONE_S
            raise NoAnswer from error
        finally:
            outages.left_alone_until[alias] = left_alone_until

    def get(self, key, default=None, version=None):
        with Call(self) as call:
            answer = call("get", call.key(key), MISSING, version=version)
            call.read(1, answer is not MISSING)
            return default if answer is MISSING else answer
        return default

    def get_many(self, keys, version=None):
        with Call(self) as call:
            names = {call.key(key): key for key in keys}
            answer = call("get_many", list(names), version=version)
            call.read(len(names), len(answer))
            return {names[key]: value for key, value in answer.items()}
        return {}

    def has_key(self, key, version=None):
        with Call(self) as call:
            answer = call("has_key", call.key(key), version=version)
            call.read(1, answer)
            return bool(answer)
        return False

    def get_or_set(self, key, default, timeout=DEFAULT_TIMEOUT, version=None):
        compute = functools.cache(default if callable(default) else lambda: default)
        with Call(self) as call:
            answer = call("get", call.key(key), MISSING, version=version)
            call.read(1, answer is not MISSING)
            if answer is not MISSING:
                return answer
            call("add", call.key(key), compute(), timeout, version=version)
            # Another may have added theirs meanwhile: then that is the value.
            return call("get", call.key(key), compute(), version=version)
        return compute()

    def set(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        with Call(self) as call:
            try:
                call("set", call.key(key), value, timeout, version=version)
            except CacheRefused:
                call("delete", call.key(key), version=version)  # rather nothing than an old value
                raise

    def set_many(self, data, timeout=DEFAULT_TIMEOUT, version=None):
        with Call(self) as call:
            names = {call.key(key): key for key in data}
            values = {name: data[key] for name, key in names.items()}
            try:
                failed = call("set_many", values, timeout, version=version)
            except CacheRefused:
                call("delete_many", list(names), version=version)
                raise
            return [names[name] for name in failed or ()]
        return list(data)

    def delete_many(self, keys, version=None):
        with Call(self) as call:
            call("delete_many", [call.key(key) for key in keys], version=version)

    def _one(self, method, key, *args, version):
        """A call about one key that reads no value; None when nobody answers."""
        with Call(self) as call:
            return call(method, call.key(key), *args, version=version)

    def add(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        return bool(self._one("add", key, value, timeout, version=version))

    def touch(self, key, timeout=DEFAULT_TIMEOUT, version=None):
        return bool(self._one("touch", key, timeout, version=version))

    def delete(self, key, version=None):
        return bool(self._one("delete", key, version=version))

    def incr(self, key, delta=1, version=None):
        return self._one_there("incr", key, delta, version=version)

    def incr_version(self, key, delta=1, version=None):
        return self._one_there("incr_version", key, delta, version=version)

    def _one_there(self, method, key, *args, version):
        answer = self._one(method, key, *args, version=version)
        if answer is None:
            raise ValueError(f"Key {key!r} not found: the cache does not answer")
        return answer

    def clear(self):
        """Empty the caches of the experiment at hand; no server is ever flushed whole."""
        scope = current_scope()
        flush(scope.experiment)
        scope.generation = generation(scope.experiment)

    def close(self, **kwargs):
        for backend in self._backends.values():
            backend.close(**kwargs)

    # Those that BaseCache would make of several calls: each is one here.
    aget_many = _in_a_thread(get_many)
    aset_many = _in_a_thread(set_many)
    adelete_many = _in_a_thread(delete_many)
    ahas_key = _in_a_thread(has_key)
    aget_or_set = _in_a_thread(get_or_set)
    aincr = _in_a_thread(incr)
    aincr_version = _in_a_thread(incr_version)
    aclose = _in_a_thread(close)


class Call:
    """One call of the caller's, perhaps of several steps; counted once, when the block ends.

    A block that gets no answer is left at that point, and the program goes on behind it.
    """

    __slots__ = ("alias", "cache", "errors", "hits", "misses", "scope", "seconds")

    def __init__(self, cache):
        self.cache = cache
        self.scope = current_scope()
        self.alias = cache.fixed_alias or self.scope.alias
        self.seconds = 0.0
        self.hits = self.misses = self.errors = 0

    def key(self, key):
        """The key that the backend files it under."""
        return self.scope.key(f"only-{self.alias}:{key}" if self.cache.fixed_alias else key)

    def read(self, keys, found):
        """Note how many keys were read, and how many of them were there."""
        self.hits, self.misses = int(found), keys - int(found)

    def __call__(self, method, *args, **kwargs):
        """Ask the backend; only its own time is counted. Raises NoAnswer."""
        alias = self.alias
        if self.scope.given_up == alias or down(alias):
            raise NoAnswer
        if outages.left_alone_until.get(alias):
            # Time to try again. One does, while the others still go without.
            outages.left_alone_until[alias] = time.monotonic() + LEFT_ALONE_S
        started = time.perf_counter()
        try:
            return self.cache.ask(alias, method, *args, **kwargs)
        except NoAnswer as error:
            if not isinstance(error, CacheRefused):
                self.scope.given_up = alias
            raise
        finally:
            self.seconds += time.perf_counter() - started

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        unanswered = isinstance(error, NoAnswer)
        if unanswered:
            self.hits, self.misses, self.errors = 0, 0, 1
        count_cache_call(self.alias, self.seconds, self.hits, self.misses, self.errors)
        return unanswered
