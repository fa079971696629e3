"""Django's `runserver`, on the lab's own database, and for others only if the lab is public."""

from django.contrib.staticfiles.management.commands import runserver
from django.core.management import CommandError

from perflab.base.config import Problem, is_public
from perflab.base.network import NOT_PUBLIC, Address
from perflab.management.own_database import refuse_to_serve_foreign_database


class Command(runserver.Command):
    def run(self, **options):
        address = Address(self.addr, int(self.port))
        try:
            if not (address.is_loopback() or is_public()):
                raise CommandError(NOT_PUBLIC.format(address=address))
        except Problem as problem:
            raise CommandError(str(problem)) from problem
        refuse_to_serve_foreign_database()
        super().run(**options)
