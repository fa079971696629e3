"""LabCache, the backend of the alias "default": it stands in front of the real caches.

Experiments use Django's own API (`cache.get`, `cache_page`, `{% cache %}`); which backend answers,
and under which keys, is said around the view:

    with using("redis", "cache-page", "fast"):
        response = view(request)

See docs/caches.md.
"""

import fcntl
import functools
import os
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

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

from perflab.probe import count_cache_call

LEFT_ALONE_S = 0.5  # for how long nobody asks a backend that has failed
MISSING = object()

_left_alone_until: dict[str, float] = {}  # alias -> monotonic time; of this process


class NoAnswer(Exception):
    """The backend is away, or is being left alone."""


class Refused(NoAnswer):
    """The backend is there, and will not do it: out of memory, too large a value, read-only."""


def down(alias) -> bool:
    """Whether a backend has failed a moment ago, so that this process leaves it alone."""
    return time.monotonic() < _left_alone_until.get(alias, 0)


def ping(alias) -> bool:
    """Whether a backend keeps a value just now; asks it, and takes a short time-out at most."""
    try:
        caches["default"].ask(alias, "set", "ping", "pong", 10)
        return caches["default"].ask(alias, "get", "ping") == "pong"
    except NoAnswer:
        return False


@dataclass(slots=True)
class Scope:
    """Which backend the calls use, and whose keys."""

    alias: str
    experiment: str
    rung: str
    generation: int
    token: str = ""  # of a cold run, whose keys are its own
    given_up: str = ""  # the backend that has failed: no page waits for it a second time

    def key(self, key):
        return f"{self.experiment}:{self.rung}:{self.generation:x}:{self.token}:{key}"


_scope: ContextVar[Scope | None] = ContextVar("perflab_cache_scope", default=None)


@contextmanager
def using(alias, experiment, rung, token=""):
    """Have the calls inside use this backend, with keys that are this rung's alone.

    With a token they are this token's alone: a fresh one finds every cache cold, and no flush of
    the experiment touches them.
    """
    generation = 0 if token else _generation(experiment)
    before = _scope.set(Scope(alias, experiment, rung, generation, token))
    try:
        yield
    finally:
        _scope.reset(before)


def _current_scope():
    return _scope.get() or Scope(settings.LAB_CACHES[0], "", "", _generation(""))


def _flush_file(experiment):
    """The file whose time of modification, in ns, is the generation of an experiment's keys."""
    return f"{settings.VAR}/flush/{experiment or '_'}"


def _generation(experiment):
    try:
        return os.stat(_flush_file(experiment)).st_mtime_ns
    except FileNotFoundError:
        return 0


def flush(experiment):
    """Empty every cache of one experiment, for all workers: from now on its keys are new ones."""
    path = _flush_file(experiment)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # of two that flush at once each raises it
        before = _generation(experiment)
        raised = max(time.time_ns(), before + 1)
        while _generation(experiment) <= before:
            os.utime(path, ns=(raised, raised))
            raised += 1_000_000_000  # should the file system keep whole seconds only


def _in_a_thread(method):
    async def run(self, *args, **kwargs):
        return await sync_to_async(method, thread_sensitive=True)(self, *args, **kwargs)

    return run


class LabCache(BaseCache):
    """Chooses a backend, counts the calls for the probe, isolates rungs and gives up quickly.

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
                raise Refused from error
            left_alone_until = time.monotonic() + LEFT_ALONE_S
            raise NoAnswer from error
        finally:
            _left_alone_until[alias] = left_alone_until

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
            except Refused:
                call("delete", call.key(key), version=version)  # rather nothing than an old value
                raise

    def set_many(self, data, timeout=DEFAULT_TIMEOUT, version=None):
        with Call(self) as call:
            names = {call.key(key): key for key in data}
            values = {name: data[key] for name, key in names.items()}
            try:
                failed = call("set_many", values, timeout, version=version)
            except Refused:
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
        scope = _current_scope()
        flush(scope.experiment)
        scope.generation = _generation(scope.experiment)

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
        self.scope = _current_scope()
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
        if _left_alone_until.get(alias):
            # Time to try again. One does, while the others still go without.
            _left_alone_until[alias] = time.monotonic() + LEFT_ALONE_S
        started = time.perf_counter()
        try:
            return self.cache.ask(alias, method, *args, **kwargs)
        except NoAnswer as error:
            if not isinstance(error, Refused):
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
