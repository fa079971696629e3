"""Measure one block of work: wall and CPU time, SQL, and calls to the cache.

    with probe() as measurement:
        ...
    print(measurement.total_ms, measurement.queries)

The probe sits on Django's own seam, `connection.execute_wrapper`, so it counts what passes there:
COMMIT, FETCH from server-side cursors, COPY, connection set-up and health checks do not. Each
connection gets one wrapper when it connects, and keeps it: to look for all connections at each
request would take longer than all else that the probe does. perflab/apps.py imports this module
before anything connects.
"""

import re
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf
from time import perf_counter, thread_time
from typing import Any, Protocol

from django.db.backends.signals import connection_created

from perflab.base.deadlines import OutOfTime
from perflab.base.processes import runs_greenlets

TRANSACTION_CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")

_running: ContextVar[tuple["Measurement", ...]] = ContextVar("perflab_probes", default=())


class Listener(Protocol):
    """What a probe calls for each statement and cache call, when each has ended.

    perflab.measure.traces.Recorder is one.
    """

    def start_clock(self, started: float) -> None:
        """Take this moment of perf_counter() as the start of the measurement."""

    def add_query(self, sql: str, params: Any, started: float, seconds: float, shape: str) -> None:
        """Take a statement, its start by perf_counter(), and the seconds that it took."""

    def add_cache_call(
        self, backend: str, seconds: float, hits: int, misses: int, errors: int
    ) -> None:
        """Take a call of the cache that has just ended, and the seconds that it took."""


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
    errors: int = 0  # calls that the cache did not answer, and values that could not be read
    cache_trouble: str = ""  # what was wrong last: "refuses", "does not answer", "unreadable"
    recorder: Listener | None = None
    deadline: float = inf  # by perf_counter(): after it no statement is run any more

    @property
    def duplicates(self) -> int:
        """Return how many queries repeat the shape (the statement without values) of another."""
        if self.queries < 2:
            return 0
        return self.queries - len({statement_shape(sql) for sql in self.statements})

    def add_query(self, sql: Any, params: Any, started: float, seconds: float) -> None:
        """Count a statement, its start by perf_counter(), and the seconds that it took."""
        self.sql_ms += seconds * 1000
        if is_transaction_control(sql):
            self.tx += 1
            return
        self.queries += 1
        sql = str(sql)  # psycopg's composed statements cannot be hashed
        self.statements[sql] = self.statements.get(sql, 0) + 1
        if self.recorder:
            self.recorder.add_query(sql, params, started, seconds, statement_shape(sql))


def count_query(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Run one statement as Django's execute wrapper, and time it for every running probe.

    A statement that fails is counted too.
    """
    running = _running.get()
    if not running:
        return execute(sql, params, many, context)
    started = perf_counter()
    if started > running[0].deadline:  # of the outermost probe, the middleware's
        raise OutOfTime
    try:
        return execute(sql, params, many, context)
    finally:
        seconds = perf_counter() - started
        for measurement in running:
            measurement.add_query(sql, params, started, seconds)


def wrap_connection(connection: Any, **kwargs: Any) -> None:
    """Have the connection's statements counted: by its outermost wrapper, and once."""
    if count_query not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, count_query)


connection_created.connect(wrap_connection)


def is_transaction_control(sql: Any) -> bool:
    """Return whether a statement only opens, marks or undoes a transaction."""
    return str(sql)[:9].upper().startswith(TRANSACTION_CONTROL)


@lru_cache(maxsize=256)  # a statement with thousands of placeholders is long
def statement_shape(sql: str) -> str:
    """Return the statement without its numbers and without the lengths of its lists.

    A list is that of IN, or the rows of an INSERT.
    """
    shape = re.sub(r"\b\d+\b", "?", sql)
    shape = re.sub(r"\((?:%s|\?)(?:, ?(?:%s|\?))*\)", "(…)", shape)
    return re.sub(r"\(…\)(?:, ?\(…\))+", "(…)", shape)


class probe:
    """Yield a Measurement that grows while the block runs and is complete when it ends.

    The same probe may be entered again after it was left: the measurement then goes on.

    The recorder is called for each statement and cache call. That takes time, so such a measurement
    is no timing.
    """

    __slots__ = ("cpu_started", "measurement", "started", "token")

    cpu_started: float
    measurement: Measurement
    started: float
    token: Token[tuple[Measurement, ...]]

    def __init__(self, recorder: Listener | None = None) -> None:
        self.measurement = Measurement(recorder=recorder)

    def __enter__(self) -> Measurement:
        self.token = _running.set((*_running.get(), self.measurement))
        self.cpu_started = thread_time()
        self.started = perf_counter()
        if recorder := self.measurement.recorder:
            recorder.start_clock(self.started - self.measurement.total_ms / 1000)
        return self.measurement

    def __exit__(self, *error: object) -> None:
        self.measurement.total_ms += (perf_counter() - self.started) * 1000
        if not runs_greenlets():
            cpu_ms = (thread_time() - self.cpu_started) * 1000
            self.measurement.cpu_ms = (self.measurement.cpu_ms or 0.0) + cpu_ms
        _running.reset(self.token)


def is_measuring() -> bool:
    """Return whether a probe runs: the code around us makes a page, and is no command."""
    return bool(_running.get())


def note_cache_trouble(trouble: str) -> None:
    """Note what is wrong with the cache: "refuses", "does not answer" or "unreadable"."""
    for measurement in _running.get():
        measurement.cache_trouble = trouble


def count_cache_call(
    backend: str, seconds: float, hits: int = 0, misses: int = 0, errors: int = 0, calls: int = 1
) -> None:
    """Add cache work to the measurement of every running probe; LabCache calls this.

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
            measurement.recorder.add_cache_call(backend, seconds, hits, misses, errors)
