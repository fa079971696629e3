"""Keys in the caches: each belongs to an experiment, a variant, and a generation.

A flush raises the generation, and nobody asks for the older keys any more.
"""

import fcntl
import os
import time
from contextvars import ContextVar, Token
from dataclasses import dataclass

from django.conf import settings


@dataclass(slots=True)
class Scope:
    """Which backend the calls use, and under which keys."""

    alias: str
    experiment: str
    variant: str
    generation: int | None  # None: not read yet; it costs a look at a file
    token: str = ""  # of a cold run, which has keys of its own
    failed_alias: str = ""  # of the backend that has failed: no page waits for it a second time

    def full_key(self, key: object) -> str:
        """Return the key with all that it belongs to."""
        if self.generation is None:
            self.generation = generation(self.experiment)
        return f"{self.experiment}:{self.variant}:{self.generation:x}:{self.token}:{key}"


_scope: ContextVar[Scope | None] = ContextVar("perflab_cache_scope", default=None)


class using:
    """Have the calls inside use this backend, with keys that only this variant uses.

    With a token, only this token's calls use them: a new token finds every cache cold, and no flush
    of the experiment touches its keys.
    """

    __slots__ = ("alias", "before", "experiment", "token", "variant")

    def __init__(self, alias: str, experiment: str, variant: str, token: str = "") -> None:
        self.alias, self.experiment, self.variant, self.token = alias, experiment, variant, token

    def __enter__(self) -> None:
        number = 0 if self.token else None
        scope = Scope(self.alias, self.experiment, self.variant, number, self.token)
        self.before: Token[Scope | None] = _scope.set(scope)

    def __exit__(self, *error: object) -> None:
        _scope.reset(self.before)


def current_scope() -> Scope:
    """Return the scope of the block around us, or one of no experiment, with the first backend."""
    return _scope.get() or Scope(settings.LAB_CACHES[0], "", "", None)


def _flush_file(experiment: str) -> str:
    """Return the file whose time of modification, in ns, is the generation of the keys."""
    return f"{settings.VAR}/flush/{experiment or '_'}"


def generation(experiment: str) -> int:
    """Return the generation of an experiment's keys, 0 before the first flush."""
    try:
        return os.stat(_flush_file(experiment)).st_mtime_ns
    except FileNotFoundError:
        return 0


def flush(experiment: str) -> None:
    """Empty every cache of one experiment, for all workers, by giving it new keys."""
    path = _flush_file(experiment)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two that flush at once raise it twice
        before = generation(experiment)
        raised = max(time.time_ns(), before + 1)
        while generation(experiment) <= before:
            os.utime(path, ns=(raised, raised))
            raised += 1_000_000_000  # some file systems keep whole seconds only
