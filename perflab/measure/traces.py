"""The trace of one request: its queries and cache calls, with their times and the line that asked.

A request is traced only when it asks for it: `?trace=1`, or `?trace=memory` for the peak of the
memory that Python held meanwhile, which slows everything down. Traces lie in `var/traces/`, where
every worker finds them; their number and their size are limited.
"""

import json
import logging
import re
import secrets
import sys
import tracemalloc
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.base import Node

from perflab.base.files import keep_newest, read_json, write_json
from perflab.base.record import MOST

from .probe import Measurement

logger = logging.getLogger("perflab.traces")

MAX_TRACES = 100
MAX_EVENTS = 2000
MAX_TEXT = 20_000  # characters of a statement or of its parameters
FOLDER = Path(settings.VAR) / "traces"
ID = re.compile(r"[0-9a-f]{16}")
TIMES = ("total_ms", "sql_ms", "cache_ms")
PACKAGE = str(Path(__file__).parents[1])  # the folder of the package perflab


def requested_kind(request: HttpRequest) -> str:
    """Return the kind of trace that a GET asks for, "1" or "memory"; "" where it asks for none."""
    query = request.META["QUERY_STRING"]
    if "trace=" not in query or request.method != "GET":
        return ""
    parts = query.split("&")
    return next((kind for kind in ("memory", "1") if f"trace={kind}" in parts), "")


class Recorder:
    """Keep what a probe tells of each statement and each cache call.

    For the kind "memory" Python counts the memory of all threads, from the making of the recorder
    on.
    """

    def __init__(self, kind: str = "1") -> None:
        self.id = secrets.token_hex(8)
        self.events: list[dict[str, Any]] = []
        self.left_out = 0  # events beyond MAX_EVENTS
        self.counts_memory = kind == "memory" and not tracemalloc.is_tracing()
        if self.counts_memory:
            tracemalloc.start()
        self.started = 0.0

    def start_clock(self, started: float) -> None:
        """Count the events' times from this moment of perf_counter().

        A probe that is entered again names a later moment, as if it had never been left. So an
        event lies within the time measured.
        """
        self.started = started

    def take_memory_peak(self) -> int | None:
        """Return the most bytes that Python held at once since the start, and end the counting.

        It is None where the memory is not counted.
        """
        if not self.counts_memory:
            return None
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.counts_memory = False
        return peak

    def add_query(self, sql: str, params: Any, started: float, seconds: float, shape: str) -> None:
        """Add a statement that has just been run; the probe's execute wrapper calls this."""
        if len(self.events) >= MAX_EVENTS:
            self.left_out += 1
            return
        self.events.append(
            {
                "kind": "query",
                "start_ms": (started - self.started) * 1000,
                "ms": seconds * 1000,
                "sql": sql[:MAX_TEXT],
                "params": params_as_json(params) if len(sql) <= MAX_TEXT else None,
                "shape": shape[:MAX_TEXT],
                "where": find_asking_line(sys._getframe(2)),
            }
        )

    def add_cache_call(
        self, backend: str, seconds: float, hits: int, misses: int, errors: int
    ) -> None:
        """Add a call of the cache that has just ended."""
        if len(self.events) >= MAX_EVENTS:
            self.left_out += 1
            return
        outcome = "error" if errors else "hit" if hits else "miss" if misses else "write"
        self.events.append(
            {
                "kind": "cache",
                "start_ms": (perf_counter() - seconds - self.started) * 1000,
                "ms": seconds * 1000,
                "backend": backend,
                "outcome": outcome,
                "where": find_asking_line(sys._getframe(2)),
            }
        )


def find_asking_line(frame: FrameType | None) -> dict[str, Any] | None:
    """Return the line that asked, as {"file", "line", "text"}: a template's, or a function's.

    It is looked for from this frame outwards. None means that only perflab and libraries are on the
    way.
    """
    while frame:
        code = frame.f_code
        node = frame.f_locals.get("self") if code.co_name == "render_annotated" else None
        if isinstance(node, Node) and node.token is not None and node.origin is not None:
            return {
                "file": node.origin.template_name,
                "line": node.token.lineno,
                "text": node.token.contents,
            }
        path = code.co_filename
        ours = path.startswith(str(settings.BASE_DIR)) and "site-packages" not in path
        if ours and not path.startswith(PACKAGE):
            file = str(Path(path).relative_to(settings.BASE_DIR))
            return {"file": file, "line": frame.f_lineno, "text": f"{code.co_name}()"}
        frame = frame.f_back
    return None


def params_as_json(params: Any) -> Any:
    """Return a statement's parameters as JSON can hold them; None where it cannot."""
    if params is None:
        return []
    try:
        text = json.dumps(list(params), default=str)
    except TypeError:
        return None
    return json.loads(text) if len(text) <= MAX_TEXT else None


def save(recorder: Recorder, measurement: Measurement, path: str) -> None:
    """Write a trace to the file of its recorder's id; delete the oldest ones beyond MAX_TRACES.

    On a full or read-only disk there is no trace, and the page is served all the same.
    """
    trace = {
        "version": 1,
        "memory_peak": recorder.take_memory_peak(),
        "path": path,
        "total_ms": measurement.total_ms,
        "sql_ms": measurement.sql_ms,
        "cache_ms": measurement.cache_ms,
        "left_out": recorder.left_out,
        "events": recorder.events,
    }
    try:
        FOLDER.mkdir(exist_ok=True)
        write_json(FOLDER / f"{recorder.id}.json", trace)
    except OSError as error:
        logger.warning("A trace is not kept: %s: %s", error.strerror, FOLDER)
    keep_newest(FOLDER, "*.json", MAX_TRACES)


def read(trace_id: str) -> dict[str, Any]:
    """Return the trace of that id. Raises KeyError when there is none (any more)."""
    trace = read_json(FOLDER / f"{trace_id}.json", dict) if ID.fullmatch(trace_id) else None
    if trace is None or not is_whole(trace):
        raise KeyError(trace_id)
    return trace


def is_whole(trace: dict[str, Any]) -> bool:
    """Return whether a file holds all that `save` writes, and of the same types."""
    events = trace.get("events")
    return (
        has_fields(trace, {"path": str, "left_out": int, **dict.fromkeys(TIMES, (int, float))})
        and isinstance(trace.get("memory_peak"), (int, type(None)))
        and isinstance(events, list)
        and all(isinstance(event, dict) and is_whole_event(event) for event in events)
    )


EVENTS: dict[str, dict[str, Any]] = {  # the fields of each kind of event
    "query": {"sql": str, "shape": str, "params": (list, dict, type(None))},
    "cache": {"backend": str, "outcome": str},
}


def is_whole_event(event: dict[str, Any]) -> bool:
    """Return whether this is an event of a query or of a cache call."""
    where = event.get("where", Ellipsis)
    fields = EVENTS.get(str(event.get("kind")))
    return (
        fields is not None
        and has_fields(event, {"start_ms": (int, float), "ms": (int, float), **fields})
        and (where is None or isinstance(where, dict))
        and (where is None or has_fields(where, {"file": str, "line": int, "text": str}))
    )


def has_fields(value: dict[str, Any], fields: dict[str, Any]) -> bool:
    """Return whether a JSON object has these fields, each of its type; NaN is no number."""
    for name, kind in fields.items():
        found = value.get(name, Ellipsis)
        if not isinstance(found, kind):
            return False
        if isinstance(found, int | float) and not -MOST <= found <= MOST:
            return False
    return True


def group_queries(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the trace's statements by shape and asking line, the costliest first.

    Each group has `shape`, `count`, `ms`, `where`, and `statement`, the number of its first event.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, event in enumerate(trace["events"]):
        if event["kind"] != "query":
            continue
        where = event["where"] or {}
        key = (event["shape"], where.get("file"), where.get("line"))
        group = found.setdefault(
            key,
            {
                "shape": event["shape"],
                "where": event["where"],
                "statement": number,
                "count": 0,
                "ms": 0.0,
            },
        )
        group["count"] += 1
        group["ms"] += event["ms"]
    return sorted(found.values(), key=lambda group: -group["ms"])
