"""The backend itself: Django imports `DatabaseWrapper` from here."""

from functools import partial

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base

from perflab.measure.probe import is_measuring

from . import silence
from .pooler import PoolerGuard


class DatabaseWrapper(PoolerGuard, base.DatabaseWrapper):
    """Gives up on a silent server within seconds, where a page waits; commands wait on.

    It opens no server-side cursor through a pooler.
    """

    limit_s = None  # a shorter limit than the setting, while is_usable asks

    def get_new_connection(self, conn_params):
        waits_for_page = is_measuring()
        if waits_for_page and silence.is_silent():
            raise psycopg.OperationalError("PostgreSQL has been silent, and is asked again soon")
        try:
            connection = super().get_new_connection(conn_params)
        except psycopg.errors.ConnectionTimeout:
            if waits_for_page:
                silence.begin(self.get_connection_params())
            raise
        connection.wait = partial(self.wait_for_answer, connection)
        return connection

    def wait_for_answer(self, connection, generator, interval=0.1, timeout=None):
        """Return what psycopg's own `Connection.wait` does, which each of its round trips calls.

        For a page it ends after DATABASE_TIMEOUT_S: the connection is then closed, since its answer
        may still come.
        """
        limit_s = self.limit_s or settings.DATABASE_TIMEOUT_S
        if not is_measuring() or (timeout is not None and timeout <= limit_s):
            return type(connection).wait(connection, generator, interval, timeout)
        try:
            return type(connection).wait(connection, generator, interval, limit_s)
        except psycopg.errors._WaitTimeout as error:
            connection.pgconn.finish()
            silence.begin(self.get_connection_params())
            raise psycopg.OperationalError(
                f"PostgreSQL has not answered for {limit_s:g} s"
            ) from error

    def is_usable(self):
        """Return whether the connection answers: a kept one is asked once in each request."""
        if is_measuring() and silence.is_silent():
            return False
        self.limit_s = settings.DATABASE_CONNECT_TIMEOUT_S
        try:
            return super().is_usable()
        finally:
            self.limit_s = None
