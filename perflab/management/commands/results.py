"""`manage.py results`: the JSON of several `measure` runs as one page of Markdown."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from perflab.compare.report import as_page

VERSION = 2  # of the JSON that `measure` writes: "variants" were called "rungs" before


class Command(BaseCommand):
    help = (
        "Writes the results of `measure --json`, on several databases say, side by side as "
        "Markdown: manage.py results sqlite.json postgresql.json > docs/results.md"
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("file", nargs="+", type=Path, help="what `measure --json` wrote")

    def handle(self, *, file, **options):
        self.stdout.write(as_page([read(path) for path in file]), ending="")


def read(path):
    """Return the results in a file. Raises CommandError where `measure` has not written it."""
    try:
        result = json.loads(path.read_text())
        if result["version"] == VERSION:
            as_page([result])
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", returncode=2) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is not what `measure --json` writes", returncode=2) from error
    if result["version"] != VERSION:
        raise CommandError(f"{path} is of another version, {result['version']}", returncode=2)
    return result
