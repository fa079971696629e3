"""manage.py loaddata: Django's own, once the database is known to be the lab's."""

from django.core.management.commands import loaddata

from perflab.management.own_database import OwnDatabaseOnly


class Command(OwnDatabaseOnly, loaddata.Command):
    pass
