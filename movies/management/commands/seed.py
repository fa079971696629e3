"""manage.py seed: fill the tables with the real films, then with invented ones."""

import sys
from contextlib import contextmanager

from movies import seeding
from movies.management.films import FilmsCommand, peak_memory
from perflab.base.numbers import whole_number
from perflab.management.arguments import argument_type


class Command(FilmsCommand):
    help = (
        "Fill the tables with films: the real ones first, then invented ones. The same seed gives "
        "the same rows. What is there already is kept, and only the missing films are added."
    )
    requires_system_checks = ()  # they would take longer than a run that has nothing to do

    def add_arguments(self, parser):
        parser.add_argument(
            "--movies",
            type=argument_type(whole_number, 1, seeding.MAX_MOVIES),
            default=seeding.REAL_FILMS,
            metavar="N",
            help="how many films there should be (default: the %(default)s real ones)",
        )
        parser.add_argument(
            "--seed",
            type=argument_type(whole_number, 0, seeding.MAX_SEED),
            metavar="S",
            help="the start of the random numbers (default: that of the films there, or 1)",
        )
        parser.add_argument(
            "--reset",
            action="store_true",
            help="replace all films, directors and reviews, and delete what experiments have left",
        )

    def handle(self, *, movies, seed, reset, verbosity, **options):
        with self.one_line_for(seeding.SeedingError), self.announced(movies) as tell:
            if seed is None:
                seed = 1 if reset else seeding.current_seed()
            summary = self.seed(movies, seed, reset, tell)
        if verbosity:
            self.stdout.write(summary.note or report(summary))

    def seed(self, movies, seed, reset, tell):
        """Write the films, on a terminal with a progress bar, and return the Summary.

        `tell` takes what is being done and how many films there are, for the lab's pages.
        """
        if sys.stderr.isatty():
            with progress_bar(movies) as move:

                def progress(stage, films, rows):
                    tell(stage, films)
                    move(stage, films, rows)

                return seeding.seed(movies, seed, reset, progress)

        def progress(stage, films, rows):
            tell(stage, films)
            if stage.startswith("waiting"):
                self.stderr.write(f"{stage}...")

        return seeding.seed(movies, seed, reset, progress)


@contextmanager
def progress_bar(movies):
    """Show a bar, and yield the function that moves it."""
    # Imported here because it is slow to import, and seed runs whenever the lab starts.
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


def report(summary):
    """Return what was written, in one line."""
    added = dict(summary.added)
    films = added.pop("films")
    others = ", ".join(f"{count:,} {kind}" for kind, count in added.items() if count)
    return (
        f"Seeded {films:,} films ({summary.movies:,} now, seed {summary.seed}), {others}: "
        f"{summary.rows:,} rows in {summary.seconds:.1f} s, "
        f"{summary.rows / summary.seconds:,.0f} rows/s, peak memory {peak_memory():.0f} MB."
    )
