"""What the commands that write films share."""

import argparse
import re
import resource
import sys
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor

from perflab.base import numbers
from perflab.base.messages import one_line
from perflab.management.one_line_command import OneLineCommand


def whole_number(low, high):
    """An argparse type: a whole number in this range."""

    def parse(text):
        try:
            return numbers.whole_number(text, low, high)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


class FilmsCommand(OneLineCommand):
    """A command that writes films: on migrated tables, with one line for whatever goes wrong."""

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
