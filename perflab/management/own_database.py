"""Commands that write into the database refuse one that is not the lab's, in one line.

So do those that make pages in their own process: some experiments write.
"""

from contextlib import suppress

from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, Error

from perflab.base.messages import one_line
from perflab.ownership import NotOurs, check_database


def refuse_foreign_database(alias=DEFAULT_DB_ALIAS):
    """Raise CommandError unless the database is empty or the lab's, and Error where it is away."""
    try:
        check_database(alias)
    except NotOurs as found:
        raise CommandError(str(found), returncode=2) from found


def refuse_to_serve_foreign_database():
    """Raise CommandError where the pages of this process would use the database of somebody else.

    The pages themselves say that it is away.
    """
    with suppress(Error):
        refuse_foreign_database()


class OwnDatabaseOnly:
    """Before a command of Django's that has the option --database: it looks at that database.

    It does so before the system checks, some of which connect: that changes a SQLite file's mode.
    """

    def execute(self, *args, **options):
        try:
            refuse_foreign_database(options["database"])
        except Error as error:
            raise CommandError(f"the database says: {one_line(error)}") from error
        return super().execute(*args, **options)
