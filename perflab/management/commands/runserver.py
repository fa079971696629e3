"""Django's `runserver`, which does not listen for others unless the lab is public."""

from django.contrib.staticfiles.management.commands import runserver
from django.core.management import CommandError

from perflab.base.config import Problem, is_public
from perflab.base.network import NOT_PUBLIC, Address


class Command(runserver.Command):
    def run(self, **options):
        address = Address(self.addr, int(self.port))
        try:
            if not (address.is_loopback() or is_public()):
                raise CommandError(NOT_PUBLIC.format(address=address))
        except Problem as problem:
            raise CommandError(str(problem)) from problem
        super().run(**options)
