"""A pooler, such as PgBouncer, between the lab and PostgreSQL.

In transaction mode it lends each transaction another connection. A server-side cursor outlives its
transaction, so its next rows would be asked for on a connection that others use too, perhaps from a
cursor of theirs with the same name: pages would end early, or show the rows of other pages.
"""

from django.db import OperationalError


class PoolerGuard:
    """Refuses a server-side cursor through a pooler, unless the settings turn such cursors off."""

    _without_pooler = None  # the driver's connection that was last found to lead to PostgreSQL

    def chunked_cursor(self):
        """Return a cursor that fetches in portions. Raises OperationalError through a pooler."""
        if not self.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
            self.ensure_connection()
            if self._without_pooler is not self.connection:
                if is_between(self):
                    raise OperationalError(
                        "a pooler stands between: server-side cursors would mix up their rows"
                    )
                self._without_pooler = self.connection
        return super().chunked_cursor()


def is_between(connection):
    """Return whether a pooler stands between: then PostgreSQL's process is not the one it names.

    `connection` is Django's. A pooler makes up the number of the process that it tells its clients.
    """
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:  # the driver's: this is no query of the page
        ((number,),) = cursor.execute("SELECT pg_backend_pid()").fetchall()
    return number != connection.connection.info.backend_pid


def find_fault_in_cursors(connection):
    """Return a warning if pages that are streamed cannot be served through a pooler; else ""."""
    if connection.vendor != "postgresql" or connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        return ""
    if not is_between(connection):
        return ""
    return (
        "a pooler such as PgBouncer stands between the lab and PostgreSQL, so pages that are "
        "streamed are refused: add ?disable_server_side_cursors=1 to DATABASE_URL."
    )
