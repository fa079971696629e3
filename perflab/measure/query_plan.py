"""The database's plan for a statement of a trace."""

from collections.abc import Iterable
from typing import Any

import sqlparse
from django.db import DatabaseError, connection, transaction
from sqlparse.exceptions import SQLParseError

TIMEOUT_MS = 5000


class NoPlan(Exception):
    """Say why there is no plan; the visitor reads it."""


def explain(event: dict[str, Any]) -> str:
    """Return the plan's text, a line a step, for one event of a trace. Raises NoPlan.

    SQLite explains and runs nothing. PostgreSQL runs the statement (ANALYZE, BUFFERS), for five
    seconds at most, in a transaction that is rolled back.
    """
    if event["kind"] != "query" or not is_one_select(event["sql"]):
        raise NoPlan("Only a SELECT is explained.")
    if event["params"] is None:
        raise NoPlan("This statement is too long to be kept with its parameters.")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {event['sql']}", event["params"])
                lines = [row[0] for row in cursor.fetchall()]
            else:
                cursor.execute(f"EXPLAIN QUERY PLAN {event['sql']}", event["params"])
                lines = indent_steps(cursor.fetchall())
            transaction.set_rollback(True)
    except DatabaseError as error:
        raise NoPlan(f"The database says: {error}") from error
    except (ArithmeticError, TypeError, ValueError) as error:  # not what `traces.save` wrote
        raise NoPlan("The statement does not fit its parameters.") from error
    return "\n".join(lines)


def is_one_select(sql: str) -> bool:
    """Return whether this is a single statement, and one that reads."""
    if not sql.lstrip().upper().startswith("SELECT"):
        return False
    try:
        return len(sqlparse.split(sql)) == 1
    except SQLParseError:  # the statement is longer than the parser takes
        return False


def indent_steps(rows: Iterable[tuple[int, int, int, str]]) -> list[str]:
    """Return SQLite's rows of (id, parent, unused, detail) as lines, each below its parent."""
    depth = {0: 0}
    lines = []
    for number, parent, _, detail in rows:
        depth[number] = depth.get(parent, 0) + 1
        lines.append("  " * (depth[number] - 1) + detail)
    return lines
