"""The database's plan for a statement of a trace."""

import sqlparse
from django.db import DatabaseError, connection, transaction
from sqlparse.exceptions import SQLParseError

TIMEOUT_MS = 5000


class NoPlan(Exception):
    """Why there is no plan; shown to the visitor."""


def plan(event):
    """The plan's text, a line a step, for one event of a trace. Raises NoPlan.

    SQLite tells its plan and runs nothing; PostgreSQL runs the statement (ANALYZE, BUFFERS), for
    five seconds at most, in a transaction that is undone.
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
                lines = sqlite_tree(cursor.fetchall())
            transaction.set_rollback(True)
    except DatabaseError as error:
        raise NoPlan(f"The database says: {error}") from error
    return "\n".join(lines)


def is_one_select(sql):
    """Whether this is a single statement, and one that reads."""
    if not sql.lstrip().upper().startswith("SELECT"):
        return False
    try:
        return len(sqlparse.split(sql)) == 1
    except SQLParseError:  # longer than the parser takes
        return False


def sqlite_tree(rows):
    """SQLite's (id, parent, _, detail) rows as indented lines."""
    depth = {0: 0}
    lines = []
    for number, parent, _, detail in rows:
        depth[number] = depth.get(parent, 0) + 1
        lines.append("  " * (depth[number] - 1) + detail)
    return lines
