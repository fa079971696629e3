"""A Measurement as the `Server-Timing` header that browsers, curl and our own page read.

See https://www.w3.org/TR/server-timing/: `dur` holds milliseconds, `desc` anything else.
"""

import re
from typing import Any

METRIC = re.compile(r'([a-z]+);(?:dur=([0-9.]+)|desc="([^"]*)")')


def write(measurement: Any, worker: int, instance: str, inspected: bool = False) -> str:
    """Return the header's value for a probe's Measurement.

    `worker` is a process id, `instance` the name of this Gunicorn. `inspected` says that the worker
    inspected a request meanwhile, this one or another: then this is no measurement.
    """
    m = measurement
    cpu = "" if m.cpu_ms is None else f"cpu;dur={m.cpu_ms:.3f}, "
    return (
        f"total;dur={m.total_ms:.3f}, {cpu}sql;dur={m.sql_ms:.3f}, cache;dur={m.cache_ms:.3f}, "
        f'queries;desc="{m.queries}", tx;desc="{m.tx}", duplicates;desc="{m.duplicates}", '
        f'calls;desc="{m.calls}", hits;desc="{m.hits}", misses;desc="{m.misses}", '
        f'errors;desc="{m.errors}", worker;desc="{worker}", instance;desc="{instance}"'
        + (', inspected;desc="1"' if inspected else "")
    )


def read(header: str) -> dict[str, Any]:
    """Return the header's metrics by name.

    Durations are floats in milliseconds, counts are integers, and `instance` is text. Where
    `inspected` is there, the worker inspected a request meanwhile.
    """
    timing: dict[str, Any] = {}
    for name, duration, description in METRIC.findall(header):
        if duration:
            timing[name] = float(duration)
        elif name == "instance":
            timing[name] = description
        else:
            timing[name] = int(description)
    return timing
