"""Whose keys: the experiment's, the variant's, and the generation's that a flush raises."""

import fcntl
import os
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings


@dataclass(slots=True)
class Scope:
    """Which backend the calls use, and whose keys."""

    alias: str
    experiment: str
    variant: str
    generation: int
    token: str = ""  # of a cold run, whose keys are its own
    given_up: str = ""  # the backend that has failed: no page waits for it a second time

    def key(self, key):
        return f"{self.experiment}:{self.variant}:{self.generation:x}:{self.token}:{key}"


_scope: ContextVar[Scope | None] = ContextVar("perflab_cache_scope", default=None)


@contextmanager
def using(alias, experiment, variant, token=""):
    """Have the calls inside use this backend, with keys that are this variant's alone.

    With a token they are this token's alone: a fresh one finds every cache cold, and no flush of
    the experiment touches them.
    """
    keys_of = 0 if token else generation(experiment)
    before = _scope.set(Scope(alias, experiment, variant, keys_of, token))
    try:
        yield
    finally:
        _scope.reset(before)


def current_scope() -> Scope:
    """That of the block at hand; outside of any, the first backend's, with nobody's keys."""
    return _scope.get() or Scope(settings.LAB_CACHES[0], "", "", generation(""))


def _flush_file(experiment):
    """The file whose time of modification, in ns, is the generation of an experiment's keys."""
    return f"{settings.VAR}/flush/{experiment or '_'}"


def generation(experiment) -> int:
    """The generation of an experiment's keys; 0 before the first flush."""
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
        before = generation(experiment)
        raised = max(time.time_ns(), before + 1)
        while generation(experiment) <= before:
            os.utime(path, ns=(raised, raised))
            raised += 1_000_000_000  # should the file system keep whole seconds only
