"""The trace of one request: each query and cache call, when it began, how long it took, and which
line asked for it.

A request is traced only when it asks for it: `?trace=1`, or `?trace=memory` for the peak of the
memory that Python held meanwhile, which slows everything down. Traces lie in `var/traces/`, where
every worker finds them; they are bounded in number and size.
"""

import json
import re
import secrets
import sys
import tracemalloc
from pathlib import Path
from time import perf_counter

from django.conf import settings
from django.template.base import Node

from perflab.base.files import keep_newest, read_json, write_json

MAX_TRACES = 100
MAX_EVENTS = 2000
MAX_TEXT = 20_000  # characters of a statement or of its parameters
FOLDER = Path(settings.VAR) / "traces"
ID = re.compile(r"[0-9a-f]{16}")
BENCH = str(Path(__file__).parents[1])  # the package perflab


def wanted(request):
    """The kind of trace that a GET asks for, "1" or "memory"; "" where it asks for none."""
    query = request.META["QUERY_STRING"]
    if "trace=" not in query or request.method != "GET":
        return ""
    parts = query.split("&")
    return next((kind for kind in ("memory", "1") if f"trace={kind}" in parts), "")


class Recorder:
    """Collects what a probe sees. For the kind "memory" Python counts its memory from the making
    of the recorder on, that of other threads too.
    """

    def __init__(self, kind="1"):
        self.id = secrets.token_hex(8)
        self.events = []
        self.left_out = 0
        self.memory = kind == "memory" and not tracemalloc.is_tracing()
        if self.memory:
            tracemalloc.start()
        self.started = None

    def begin(self, started):
        """Count the events' times from that moment of perf_counter(); the probe calls this.

        A probe entered again names a later one, as if it had never been left: so an event lies
        within the time measured.
        """
        self.started = started

    def memory_peak(self):
        """The most bytes that Python held at once since the start, None where nobody asked.

        It ends the counting.
        """
        if not self.memory:
            return None
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.memory = False
        return peak

    def query(self, sql, params, started, seconds, shape):
        """A statement that has just been run; called by the probe's execute wrapper."""
        if len(self.events) >= MAX_EVENTS:
            self.left_out += 1
            return
        self.events.append(
            {
                "kind": "query",
                "start_ms": (started - self.started) * 1000,
                "ms": seconds * 1000,
                "sql": sql[:MAX_TEXT],
                "params": plain(params) if len(sql) <= MAX_TEXT else None,
                "shape": shape[:MAX_TEXT],
                "where": asking_line(sys._getframe(2)),
            }
        )

    def cache(self, backend, seconds, hits, misses, errors):
        """A call of the cache that has just ended."""
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
                "where": asking_line(sys._getframe(2)),
            }
        )


def asking_line(frame):
    """Which line of the lab's subject asked: a template's, or else a function's.

    Walks outwards from a frame. {"file", "line", "text"}; None when only the bench or a library
    is on the way.
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
        if ours and not path.startswith(BENCH):
            file = str(Path(path).relative_to(settings.BASE_DIR))
            return {"file": file, "line": frame.f_lineno, "text": f"{code.co_name}()"}
        frame = frame.f_back
    return None


def plain(params):
    """A statement's parameters as JSON can hold them; None where it cannot."""
    if params is None:
        return []
    try:
        text = json.dumps(list(params), default=str)
    except TypeError:
        return None
    return json.loads(text) if len(text) <= MAX_TEXT else None


def save(recorder, measurement, path):
    """Keep a trace under its recorder's id; the oldest ones go when there are too many."""
    FOLDER.mkdir(exist_ok=True)
    trace = {
        "version": 1,
        "memory_peak": recorder.memory_peak(),
        "path": path,
        "total_ms": measurement.total_ms,
        "sql_ms": measurement.sql_ms,
        "cache_ms": measurement.cache_ms,
        "left_out": recorder.left_out,
        "events": recorder.events,
    }
    write_json(FOLDER / f"{recorder.id}.json", trace)
    keep_newest(FOLDER, "*.json", MAX_TRACES)


def load(trace_id):
    """The trace of that id. Raises KeyError when there is none (any more)."""
    trace = read_json(FOLDER / f"{trace_id}.json", dict) if ID.fullmatch(trace_id) else None
    if trace is None:
        raise KeyError(trace_id)
    return trace


def groups(trace):
    """The trace's statements by shape and asking line, the costliest first.

    Each: `shape`, `count`, `ms`, `where`, and `statement`, the number of its first event.
    """
    found = {}
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
