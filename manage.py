#!/usr/bin/env python
"""Django's command line for perflab: `./manage.py help` lists the commands."""

import sys

from perflab.base.config import Problem
from perflab.base.entry import prepare_django
from perflab.base.sqlite_file import check_sqlite_file


def main():
    try:
        prepare_django()
    except Problem as problem:
        sys.exit(f"perflab: {problem}")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        check_sqlite_file(settings.DATABASES["default"])
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, Problem) as error:
        sys.exit(f"perflab: {error}")


if __name__ == "__main__":
    main()
