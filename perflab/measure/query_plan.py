"""The database's plan for a statement of a trace."""

from collections.abc import Iterable
from typing import Any

from . import repetition


class NoPlan(Exception):
    """Say why there is no plan; the visitor reads it."""


def explain(event: dict[str, Any]) -> str:
    """Return the plan's text, a line a step, for one event of a trace. Raises NoPlan."""
    if event["kind"] != "query":
        raise NoPlan("Only a statement is explained.")
    if event["params"] is None:
        raise NoPlan("This statement is too long to be kept with its parameters.")
    try:
        steps = repetition.explain(event["sql"], event["params"]).rows
    except repetition.NotRepeated as reason:
        raise NoPlan(str(reason)) from reason
    is_of_sqlite = bool(steps) and len(steps[0]) == 4
    return "\n".join(indent_steps(steps) if is_of_sqlite else (row[0] for row in steps))


def indent_steps(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    """Return SQLite's rows of (id, parent, unused, detail) as lines, each below its parent."""
    depth = {0: 0}
    lines = []
    for number, parent, _, detail in rows:
        depth[number] = depth.get(parent, 0) + 1
        lines.append("  " * (depth[number] - 1) + detail)
    return lines
