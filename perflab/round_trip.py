"""A stand-in for a database across a network."""

import time
from contextlib import contextmanager

from django.db import connections

from .probe import is_transaction_control


@contextmanager
def round_trip(milliseconds: float):
    """Make every query that the probe counts take so much longer while the block runs."""

    def delayed(execute, sql, params, many, context):
        if not is_transaction_control(sql):
            time.sleep(milliseconds / 1000)
        return execute(sql, params, many, context)

    slowed = connections.all() if milliseconds else []
    for connection in slowed:
        connection.execute_wrappers.append(delayed)
    try:
        yield
    finally:  # by name, not the last one: inside a stream the probe comes and goes
        for connection in slowed:
            connection.execute_wrappers.remove(delayed)
