"""A simulated network between the application and its database."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections

from .probe import is_transaction_control


@contextmanager
def round_trip(milliseconds: float) -> Iterator[None]:
    """Make every query that the probe counts take so much longer while the block runs."""

    def execute_late(
        execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if not is_transaction_control(sql):
            time.sleep(milliseconds / 1000)
        return execute(sql, params, many, context)

    with ExitStack() as stack:
        if milliseconds:
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(execute_late))
        yield
