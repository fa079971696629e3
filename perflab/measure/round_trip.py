"""A calibrated page for a database across a network."""

import time
from contextlib import ExitStack, contextmanager

from django.db import connections

from .probe import is_transaction_control


@contextmanager
def round_trip(milliseconds: float):
    """Make every query that the probe counts take so much longer while the block runs."""

    def delayed(execute, sql, params, many, context):
        if not is_transaction_control(sql):
            time.sleep(milliseconds / 1000)
        return execute(sql, params, many, context)

    with ExitStack() as stack:
        if milliseconds:
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(delayed))
        yield
