"""Measure one block of work: wall and CPU time, SQL, and calls to the cache.

    with probe() as measurement:
        ...
    print(measurement.total_ms, measurement.queries)

The probe sits on Django's own seam, `connection.execute_wrapper`, so it counts what passes there:
COMMIT, FETCH from server-side cursors, COPY, connection set-up and health checks do not.
"""

import re
import sys
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter, thread_time

from django.db import connections

TRANSACTION_CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")

_running: ContextVar[tuple["Measurement", ...]] = ContextVar("perflab_probes", default=())


@dataclass(slots=True)
class Measurement:
    """What one block of work did. Times are in milliseconds."""

    total_ms: float = 0.0
    cpu_ms: float | None = None  # this thread's; None where a thread's clock means nothing
    sql_ms: float = 0.0
    queries: int = 0
    tx: int = 0  # BEGIN, SAVEPOINT, RELEASE and ROLLBACK: not queries, but not free either
    statements: dict[str, int] = field(default_factory=dict)  # how often each was run
    cache_ms: float = 0.0
    cache_backend: str = ""  # the alias that was asked last, "" when none was
    calls: int = 0
    hits: int = 0  # keys found
    misses: int = 0  # keys not found
    errors: int = 0  # calls that the cache did not answer
    recorder: object | None = None  # is told of each statement and cache call, where one listens

    @property
    def duplicates(self) -> int:
        """Queries whose shape (the statement without its values) had already been run."""
        return self.queries - len({statement_shape(sql) for sql in self.statements})

    def count_query(self, execute, sql, params, many, context):
        """The execute wrapper: time one statement, also when it fails."""
        started = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            seconds = perf_counter() - started
            self.sql_ms += seconds * 1000
            if is_transaction_control(sql):
                self.tx += 1
            else:
                self.queries += 1
                sql = str(sql)  # psycopg's composed statements cannot be hashed
                self.statements[sql] = self.statements.get(sql, 0) + 1
                if self.recorder:
                    self.recorder.query(sql, params, started, seconds, statement_shape(sql))


def is_transaction_control(sql) -> bool:
    """Whether a statement only opens, marks or undoes a transaction."""
    return str(sql)[:9].upper().startswith(TRANSACTION_CONTROL)


@lru_cache(maxsize=256)  # a statement with thousands of placeholders is long
def statement_shape(sql) -> str:
    """The statement without its numbers and the lengths of its lists (of IN, of rows inserted)."""
    shape = re.sub(r"\b\d+\b", "?", sql)
    shape = re.sub(r"\((?:%s|\?)(?:, ?(?:%s|\?))*\)", "(…)", shape)
    return re.sub(r"\(…\)(?:, ?\(…\))+", "(…)", shape)


def thread_clock_is_meaningful() -> bool:
    """False under gevent, where one thread runs many requests at once."""
    monkey = sys.modules.get("gevent.monkey")
    return not (monkey and monkey.is_module_patched("threading"))


class probe:
    """Yield a Measurement that grows while the block runs and is complete when it ends.

    The same probe may be entered again, one time after the other: the measurement then goes on.

    A recorder (traces.Recorder) is told of each statement and cache call as it ends; that takes
    time, so such a measurement is no timing.
    """

    __slots__ = ("connections", "cpu_started", "measurement", "started", "token")

    def __init__(self, recorder=None):
        self.measurement = Measurement(recorder=recorder)

    def __enter__(self) -> Measurement:
        self.token = _running.set((*_running.get(), self.measurement))
        self.connections = connections.all()
        for connection in self.connections:  # what execute_wrapper() does, in a third of the time
            connection.execute_wrappers.append(self.measurement.count_query)
        self.cpu_started = thread_time()
        self.started = perf_counter()
        if recorder := self.measurement.recorder:
            recorder.begin(self.started - self.measurement.total_ms / 1000)
        return self.measurement

    def __exit__(self, *error):
        self.measurement.total_ms += (perf_counter() - self.started) * 1000
        if thread_clock_is_meaningful():
            cpu_ms = (thread_time() - self.cpu_started) * 1000
            self.measurement.cpu_ms = (self.measurement.cpu_ms or 0.0) + cpu_ms
        for connection in self.connections:
            connection.execute_wrappers.pop()
        _running.reset(self.token)


def count_cache_call(backend, seconds, hits=0, misses=0, errors=0, calls=1):
    """Tell every running probe of cache work; LabCache is the one that calls this.

    `backend` is the alias asked, `seconds` the time it took; hits and misses count keys read.
    """
    for measurement in _running.get():
        measurement.cache_backend = backend
        measurement.cache_ms += seconds * 1000
        measurement.calls += calls
        measurement.hits += hits
        measurement.misses += misses
        measurement.errors += errors
        if measurement.recorder:
            measurement.recorder.cache(backend, seconds, hits, misses, errors)
