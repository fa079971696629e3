"""manage.py import_imdb: replace all films by real ones from IMDb's dumps."""

import sys
from contextlib import contextmanager
from pathlib import Path

from movies import imdb, seeding
from movies.imdb.dumps import TYPES, DumpError
from movies.management.films import FilmsCommand, peak_memory
from perflab.base.numbers import whole_number
from perflab.management.arguments import argument_type

COURTESY = (
    "Information courtesy of IMDb (https://www.imdb.com). Used with permission. "
    "For personal and non-commercial use only."
)


class Command(FilmsCommand):
    help = (
        "Replace the films by real ones from the dumps that you have downloaded from IMDb, for "
        "personal and non-commercial use. docs/data.md tells where they are."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument(
            "folder",
            type=Path,
            metavar="DIR",
            help="the folder with title.basics.tsv.gz, title.crew.tsv.gz, name.basics.tsv.gz and, "
            "if you like, title.ratings.tsv.gz; they may be unpacked too",
        )
        parser.add_argument(
            "--limit",
            type=argument_type(whole_number, 1, seeding.MAX_MOVIES),
            default=seeding.MAX_MOVIES,
            metavar="N",
            help="import the N films with the most votes (without title.ratings: the lowest ids)",
        )
        parser.add_argument(
            "--type",
            action="append",
            choices=TYPES,
            dest="types",
            metavar="TYPE",
            help="the type to import; may be repeated (default: movie). One of: "
            + ", ".join(TYPES),
        )
        parser.add_argument(
            "--replace", action="store_true", help="delete the films that are there"
        )

    def handle(self, *, folder, limit, types, replace, verbosity, **options):
        with (
            self.one_line_for(DumpError, seeding.SeedingError),
            self.announced() as tell,
            self.progress() as show,
        ):

            def progress(stage, done, total):
                tell(stage, 0)
                show(stage, done, total)

            types = types or ["movie"]
            summary = imdb.import_films(folder, limit, types, replace, progress)
        if verbosity:
            self.stdout.write(report(summary))

    @contextmanager
    def progress(self):
        """Yield a function that shows the progress, on a terminal as a bar."""
        if sys.stderr.isatty():
            with progress_bar() as progress:
                yield progress
            return

        def progress(stage, done, total):
            if stage.startswith("waiting"):
                self.stderr.write(f"{stage}...")

        yield progress


@contextmanager
def progress_bar():
    """Show a bar for each stage, and yield the function that moves it."""
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description:20}"),
        rich.BarColumn(),
        rich.TaskProgressColumn(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        tasks = {}

        def progress(stage, done, total):
            if stage not in tasks:
                for task in tasks.values():
                    finish(task)
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        def finish(task):
            total = bar.tasks[task].total or 1
            bar.update(task, total=total, completed=total)
            bar.stop_task(task)

        yield progress
        for task in tasks.values():
            finish(task)


def report(summary):
    """Return what was written, and a line for each dump on what was not used."""
    added = dict(summary.added)
    films = added.pop("films")
    others = ", ".join(f"{count:,} {kind}" for kind, count in added.items() if count)
    order = "most votes first" if summary.is_by_votes else "lowest IMDb ids first"
    lines = [
        f"Imported {films:,} films ({order}), {others}: {summary.rows:,} rows in "
        f"{summary.seconds:.1f} s, peak memory {peak_memory():.0f} MB."
    ]
    for name, why in summary.unused.items():
        counts = [f"{number:,} {reason}" for reason, number in sorted(why.items()) if number]
        if counts:
            lines.append(f"Not used in {name}: {', '.join(counts)}.")
    lines += [
        "Synopses, reviews and most countries are synthesised: the dumps have none.",
        COURTESY,
    ]
    return "\n".join(lines)
