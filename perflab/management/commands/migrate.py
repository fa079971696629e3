"""manage.py migrate: Django's own, once the database is known to be empty or the lab's."""

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import Error, connections

from perflab.base.messages import one_line
from perflab.ownership import NotOurs, check_database
from perflab.postgresql.pooler import find_fault_in_cursors


class Command(migrate.Command):
    def handle(self, *args, database, **options):
        try:
            check_database(database)
        except NotOurs as found:
            raise CommandError(str(found), returncode=2) from found
        except Error as error:
            raise CommandError(f"the database says: {one_line(error)}") from error
        super().handle(*args, database=database, **options)
        if warning := find_fault_in_cursors(connections[database]):
            self.stderr.write(f"Warning: {warning}")
