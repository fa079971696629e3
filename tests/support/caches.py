"""Put faults between LabCache and its backends."""

from dataclasses import dataclass
from functools import partial

import pytest

from perflab.caches import LabCache, NoAnswer


def with_cache(*values, **options):
    """Return parameters that end with the name of a cache: all but local memory are servers."""
    return pytest.param(
        *values, marks=[] if values[-1] == "locmem" else [pytest.mark.server], **options
    )


@dataclass(frozen=True)
class BackendCall:
    """One call of one backend: `real` makes any call of it, `pass_on` makes this one."""

    alias: str
    method: str
    args: tuple
    kwargs: dict
    real: object

    @property
    def key(self):
        """The key, with all that LabCache puts before it; "" for a call with several."""
        return self.args[0] if isinstance(self.args[0], str) else ""

    def pass_on(self):
        return self.real(self.method, *self.args, **self.kwargs)


class FaultyCache:
    """Record the calls that reach a backend, and answer some of them otherwise.

    With `when("add", key=":lock", then=answer)`, `answer` takes each BackendCall of that
    method whose key holds that text, and returns what LabCache gets. All others reach the backend.
    """

    def __init__(self, monkeypatch):
        self.calls = []
        self.faults = []
        call_backend = LabCache.call_backend

        def record(cache, alias, method, *args, **kwargs):
            real = partial(call_backend, cache, alias)
            call = BackendCall(alias, method, args, kwargs, real)
            self.calls.append(call)
            for methods, key, answer in self.faults:
                if (not methods or method in methods) and key in call.key:
                    return answer(call)
            return call.pass_on()

        monkeypatch.setattr(LabCache, "call_backend", record)

    def when(self, *methods, key="", then):
        """Have `then` answer the calls of these methods, or of all, whose key holds this text."""
        self.faults.append((methods, key, then))

    def drop_writes(self):
        """Have no value reach a backend."""
        self.when("set", "add", then=lambda call: None)

    def go_away(self):
        """Have no call answered."""

        def no_answer(call):
            raise NoAnswer

        self.when(then=no_answer)
