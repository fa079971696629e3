"""What the commands `load`, `compare_classes` and `tune` share: options, a bar, their end."""

import json
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.core.management.base import CommandError
from django.db import Error as DatabaseError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from perflab.base import numbers
from perflab.base.config import MAX_THREADS, MAX_WORKERS, Problem
from perflab.base.messages import count_of, one_line
from perflab.base.processes import Stopped, stop_on_signals
from perflab.load import plan, store
from perflab.load.model import Run
from perflab.management.arguments import argument_type
from perflab.management.one_line_command import OneLineCommand

INTERRUPTED = 130
NOT_REPEATED = ("json", "port")  # options that say nothing of what is measured
SECONDS = ("duration", "freeze_s")


@dataclass(frozen=True)
class PreparedRun:
    """A run before its first point, how it is performed, and how it is shown.

    `perform` takes two functions: one is called with a Progress now and then, the other with each
    Point. `as_text` takes the run, whether the output is a terminal, and whether it has no colours.
    """

    run: Run
    perform: Callable
    as_text: Callable


class LoadCommand(OneLineCommand):
    """The base of the commands that put a lab under load. A command says how to `prepare` a run."""

    requires_system_checks = ()

    def prepare(self, options, command):
        """Return the run that the options ask for; `command` is the command line that repeats it.

        Raises LoadRefused, Problem and django.db.Error.
        """
        raise NotImplementedError

    def run_from_argv(self, argv):
        # A closed terminal and `kill` must end all that we start, as Ctrl-C does.
        stop_on_signals()
        super().run_from_argv(argv)

    def add_counts(self, parser, check, **helps):
        """Add --users, --workers and --threads, each with its help; `check` reads its text."""
        most = {"users": plan.MAX_USERS, "workers": MAX_WORKERS, "threads": MAX_THREADS}
        for name, text in helps.items():
            parser.add_argument(f"--{name}", type=argument_type(check, 1, most[name]), help=text)

    def add_variants(self, parser, **choices):
        """Add options such as --slow, of which one may be given; each chooses some variants."""
        variants = parser.add_mutually_exclusive_group()
        for name, chosen in choices.items():
            variants.add_argument(
                f"--{name}",
                dest="variants",
                action="store_const",
                const=chosen,
                default=(),
                help=f"load {'both variants' if name == 'both' else f'the {name} variant'}",
            )

    def add_page(self, parser):
        """Add what says which page is loaded, beside its scenario."""
        parser.add_argument("--experiment", metavar="SLUG", help="load this experiment alone")
        parser.add_argument("--movies", metavar="N", help="rows on a page")
        parser.add_argument("--round-trip", metavar="MS", help="simulated, added to each query")
        parser.add_argument("--cache", metavar="NAME", help="the cache used")

    def add_ms(self, parser):
        """Add --ms."""
        parser.add_argument(
            "--ms",
            type=argument_type(numbers.whole_number, 0, plan.MAX_MS),
            help="what a calibrated page takes (50): io-bound and cpu-bound",
        )

    def add_json(self, parser):
        """Add --json."""
        parser.add_argument(
            "--json", type=Path, metavar="FILE", help="write the run there as well as to var/runs/"
        )

    def handle(self, **options):
        try:
            if options["json"]:
                refuse_unwritable(options["json"])
            prepared = self.prepare(options, command_line(self, options))
        except (plan.LoadRefused, Problem) as refused:
            raise CommandError(one_line(refused).rstrip("."), returncode=2) from refused
        except DatabaseError as error:
            raise CommandError(f"the database says: {one_line(error)}", returncode=2) from error
        run = prepared.run
        problem = status = None
        try:
            self.measure(prepared)
        except (plan.LoadRefused, Problem) as refused:
            problem, status = one_line(refused).rstrip("."), 2
        except (KeyboardInterrupt, Stopped):
            problem, status = "interrupted", INTERRUPTED
        except OSError as error:
            problem, status = f"{error.strerror}: {error.filename}", 2
        self.show(prepared, options, problem)
        if status == INTERRUPTED:
            sys.exit(status)
        if problem:
            raise CommandError(problem, returncode=status)
        if any(has_failures(point) for point in run.points):
            raise CommandError("answers failed", returncode=1)

    def measure(self, prepared):
        """Perform the run, with a bar for each point on a terminal."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[now]}"))
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("starting", total=prepared.run.duration_s, now="")

            def on_progress(progress):
                bar.update(
                    task,
                    description=describe_place(progress),
                    completed=progress.seconds,
                    now=describe_figures(progress),
                )

            def on_point(point):
                if console.is_terminal and not point.partial:
                    workers = f" on {count_of(point.workers, 'workers')}" if point.workers else ""
                    bar.console.print(
                        f"{point.requests_per_s:,.1f} requests/s with "
                        f"{count_of(point.users, 'users')}{workers}",
                        style="dim",
                    )

            prepared.perform(on_progress, on_point)

    def show(self, prepared, options, problem):
        """Write the table, and where the run is kept."""
        run, path = prepared.run, store.path_of(prepared.run.id)
        if not (run.points or run.switches):
            path.unlink(missing_ok=True)  # there is nothing to look at
            if problem == "interrupted":
                self.stderr.write("Interrupted: nothing was measured yet.")
            return
        terminal, no_color = self.stdout.isatty(), options.get("no_color") or None
        self.stdout.write(prepared.as_text(run, terminal, no_color))
        if run.points and run.points[-1].partial:
            self.stdout.write("* not measured to its end")
        self.stdout.write(f"{'Broken off, so far kept' if problem else 'Kept'} in {path}")
        if options["json"]:
            options["json"].write_text(json.dumps(run.to_json(), indent=1) + "\n")


def has_failures(point):
    """Return whether requests of a point failed, also those on a schedule."""
    return point.failures > 0 or (point.open is not None and point.open.failures > 0)


def describe_place(progress):
    """Return which point is being measured."""
    parts = [f"{progress.number}/{progress.of}", progress.variant or ""]
    if progress.workers:
        threaded = f"{progress.workers}×{progress.threads} workers"
        parts.append(threaded if progress.threads > 1 else f"{progress.workers} w")
    return " ".join([*filter(None, parts), count_of(progress.users, "users")])


def describe_figures(progress):
    """Return what was measured so far, or else the phase."""
    if progress.requests_per_s is None:
        return progress.phase
    p95 = "" if progress.p95_ms is None else f", p95 {progress.p95_ms:,.0f} ms"
    return f"{progress.requests_per_s:,.1f} requests/s{p95}"


def command_line(command, options):
    """Return the command line that runs a command with these options again."""
    name = type(command).__module__.rpartition(".")[2]
    words = ["manage.py", name]
    own = [action for action in command.create_parser("manage.py", name)._actions if action.dest]
    inherited = OneLineCommand().create_parser("manage.py", name)._actions
    left_out = {action.dest for action in inherited} | set(NOT_REPEATED)
    for action in own:
        value = options.get(action.dest)
        if action.dest in left_out or value == action.default or value in (None, (), False):
            continue
        if not action.option_strings:
            words.append(value)
        elif action.nargs == 0:  # a flag, of which another one may have set the value
            words += [action.option_strings[-1]] if value == action.const else []
        else:
            words += [action.option_strings[-1], write_value(action.dest, value)]
    return shlex.join(words)


def write_value(name, value):
    """Return the value of an option as it is written on the command line."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}s" if name in SECONDS else f"{value:g}"
    return str(value)


def refuse_unwritable(path):
    """Raise LoadRefused, before anything is measured, where the results cannot be written."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise plan.LoadRefused(f"--json: cannot write {path}")
