"""What an experiment needs to run: a database ("postgresql") or a Django ("django>=6.1").

"" stands for nothing in particular.
"""

import re

import django
from django.db import connection

DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}  # by what Django calls their vendor
DJANGO = re.compile(r"django>=(\d+)\.(\d+)")
FORMS = ("", *DATABASES, "django>=X.Y")


def is_known(needs: str) -> bool:
    """Return whether this is one of the FORMS."""
    return needs in ("", *DATABASES) or bool(DJANGO.fullmatch(needs))


def is_database(needs: str) -> bool:
    """Return whether a database is needed."""
    return needs in DATABASES


def are_met(needs: str) -> bool:
    """Return whether the lab in this process has what is needed."""
    if not needs:
        return True
    if version := DJANGO.fullmatch(needs):
        return django.VERSION[:2] >= (int(version[1]), int(version[2]))
    return needs == connection.vendor


def describe(needs: str) -> str:
    """Return what is needed in words, such as "PostgreSQL" or "Django 6.1 or newer"."""
    if version := DJANGO.fullmatch(needs):
        return f"Django {version[1]}.{version[2]} or newer"
    return DATABASES.get(needs, "")


def how_to_meet(needs: str) -> str:
    """Return what a person can do about it, such as setting DATABASE_URL."""
    if is_database(needs):
        return "set DATABASE_URL to one, then seed it"
    return "start the lab with a Python that can run it"
