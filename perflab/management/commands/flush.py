"""manage.py flush: Django's own, once the database is known to be the lab's."""

from django.core.management.commands import flush

from perflab.management.own_database import OwnDatabaseOnly


class Command(OwnDatabaseOnly, flush.Command):
    pass
