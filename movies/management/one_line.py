"""What the commands that write films share: whatever goes wrong is told in one line."""

import argparse
import re
import resource
import sys
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor


def whole_number(low, high):
    """An argparse type: a whole number in this range."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            shown = text if len(text) <= 30 else f"{text[:30]}…"
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {low:,} to {high:,}, not {shown!r}"
            )
        return number

    return parse


def one_line(text):
    return " ".join(str(text).split())


class OneLineCommand(BaseCommand):
    """A command that answers bad arguments with one line, where argparse would add its usage."""

    def create_parser(self, prog_name, subcommand, **kwargs):
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if parser.called_from_command_line:
            parser.error = lambda message: parser.exit(
                2, f"{subcommand}: {one_line(message)[:200]}\n"
            )
        return parser

    @contextmanager
    def one_line_for(self, *mistakes):
        """Run a block on migrated tables; exit with 2 for mistakes of the user, with 1 for others.

        `mistakes` are exceptions whose message is for the user.
        """
        try:
            ensure_migrated()
            yield
        except mistakes as error:
            raise CommandError(one_line(error), returncode=2) from error
        except Error as error:
            raise CommandError(f"the database says: {one_line(error)}") from error
        except KeyboardInterrupt:
            self.stderr.write(
                "Interrupted: the films are as they were, or all there. Run it again to be sure."
            )
            sys.exit(130)


def ensure_migrated():
    """Raise CommandError unless the tables are as the models want them."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    if executor.migration_plan(executor.loader.graph.leaf_nodes("movies")):
        raise CommandError("The tables are not there yet: run manage.py migrate.", returncode=2)


def peak_memory():
    """The most memory this process has held so far, in megabytes."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux, whose getrusage() would count the program that started this one
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1e6 if sys.platform == "darwin" else 1e3)  # macOS counts bytes
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6
