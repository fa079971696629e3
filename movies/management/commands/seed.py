"""manage.py seed: fill the tables with real films, then with invented ones."""

import argparse
import re
import resource
import sys
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor

from movies import seeding


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


class Command(BaseCommand):
    help = (
        "Fill the tables with films: the real ones first, then invented ones. The same seed gives "
        "the same rows. What is there already is kept, and only the missing films are added."
    )
    requires_system_checks = ()  # they would cost more than finding that there is nothing to do

    def create_parser(self, prog_name, subcommand, **kwargs):
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if parser.called_from_command_line:  # one line, where argparse would add its usage
            parser.error = lambda message: parser.exit(2, f"seed: {one_line(message)[:200]}\n")
        return parser

    def add_arguments(self, parser):
        parser.add_argument(
            "--movies",
            type=whole_number(1, seeding.MAX_MOVIES),
            default=seeding.REAL_FILMS,
            metavar="N",
            help="films there shall be, real and invented (default: the %(default)s real ones)",
        )
        parser.add_argument(
            "--seed",
            type=whole_number(0, seeding.MAX_SEED),
            default=1,
            metavar="S",
            help="what chance starts from (default: %(default)s)",
        )
        parser.add_argument(
            "--reset", action="store_true", help="replace all films, directors and reviews"
        )

    def handle(self, *, movies, seed, reset, verbosity, **options):
        try:
            ensure_migrated()
            summary = self.seed(movies, seed, reset)
        except seeding.SeedingError as error:
            raise CommandError(error, returncode=2) from error
        except Error as error:
            raise CommandError(f"the database says: {one_line(error)}") from error
        except KeyboardInterrupt:
            self.stderr.write(
                "Interrupted: the films are as they were, or all there. Run it again to be sure."
            )
            sys.exit(130)
        if verbosity:
            self.stdout.write(summary.note or report(summary))

    def seed(self, movies, seed, reset):
        """Call seed(), with a progress bar where somebody is looking."""
        if sys.stderr.isatty():
            with progress_bar(movies) as progress:
                return seeding.seed(movies, seed, reset, progress)

        def progress(stage, films, rows):
            if stage.startswith("waiting"):
                self.stderr.write(f"{stage}...")

        return seeding.seed(movies, seed, reset, progress)


@contextmanager
def progress_bar(movies):
    """A bar on the terminal, and the function that moves it."""
    # Not at the top: it is slow to import, and seed is called whenever the lab starts.
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[rate]}"),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("seeding", total=None, rate="")

        def progress(stage, films, rows):
            elapsed = bar.tasks[task].elapsed
            rate = f"{rows / elapsed:,.0f} rows/s" if elapsed else ""
            bar.update(task, description=stage, completed=films, total=movies, rate=rate)

        yield progress


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


def report(summary):
    """What was written, in one line."""
    added = dict(summary.added)
    films = added.pop("films")
    others = ", ".join(f"{count:,} {kind}" for kind, count in added.items() if count)
    return (
        f"Seeded {films:,} films ({summary.movies:,} now, seed {summary.seed}), {others}: "
        f"{summary.rows:,} rows in {summary.seconds:.1f} s, "
        f"{summary.rows / summary.seconds:,.0f} rows/s, peak memory {peak_memory():.0f} MB."
    )
