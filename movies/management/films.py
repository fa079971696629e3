"""What the commands `seed` and `import_imdb` share."""

import re
import resource
import sys
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor

from perflab.base.messages import one_line
from perflab.catalogue.seeding_state import announced
from perflab.management.one_line_command import OneLineCommand
from perflab.ownership import NotOurs, check_database


class FilmsCommand(OneLineCommand):
    """A command that writes films into migrated tables and shows every error in one line."""

    @contextmanager
    def one_line_for(self, *mistakes):
        """Run a block on migrated tables. Exit with 2 for a mistake of the user, with 1 otherwise.

        `mistakes` are the exceptions that a mistake of the user raises.
        """
        try:
            check_database()
            ensure_migrated()
            yield
        except (NotOurs, *mistakes) as error:
            raise CommandError(one_line(error), returncode=2) from error
        except Error as error:
            raise CommandError(f"the database says: {one_line(error)}") from error
        except KeyboardInterrupt:
            self.stderr.write(
                "Interrupted: either the old films are still there or all of the new ones are. "
                "Run the command again to be sure."
            )
            sys.exit(130)

    def announced(self, films=None):
        """Let the lab know, while a block runs, that there are going to be so many films."""
        return announced(films, lambda: self.stderr.write("waiting for another writer..."))


def ensure_migrated():
    """Raise CommandError unless all migrations have been applied."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    if executor.migration_plan(executor.loader.graph.leaf_nodes("movies")):
        raise CommandError("The tables are not there yet: run manage.py migrate.", returncode=2)


def peak_memory():
    """Return the most memory that this process has held so far, in megabytes."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux; there getrusage() would count the program that started this one
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1e6 if sys.platform == "darwin" else 1e3)  # macOS counts bytes
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6
