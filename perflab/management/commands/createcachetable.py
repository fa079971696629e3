"""manage.py createcachetable: Django's own, once the database is known to be the lab's."""

from django.core.management.commands import createcachetable

from perflab.management.own_database import OwnDatabaseOnly


class Command(OwnDatabaseOnly, createcachetable.Command):
    pass
