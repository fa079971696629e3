"""manage.py migrate: Django's own, once the database is known to be empty or the lab's."""

from django.core.management.commands import migrate
from django.db import connections

from perflab.management.own_database import OwnDatabaseOnly
from perflab.postgresql.pooler import find_fault_in_cursors


class Command(OwnDatabaseOnly, migrate.Command):
    def handle(self, *args, database, **options):
        super().handle(*args, database=database, **options)
        if warning := find_fault_in_cursors(connections[database]):
            self.stderr.write(f"Warning: {warning}")
