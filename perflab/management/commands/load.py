"""`manage.py load`: a Gunicorn of its own for each point, users in front of it, and a verdict."""

import argparse
import json
import os
import shlex
import sys
from pathlib import Path

from django.core.management.base import CommandError
from django.db import Error as DatabaseError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from perflab.base import numbers
from perflab.base.config import MAX_THREADS, MAX_WORKERS, Problem, count_default_workers
from perflab.base.messages import one_line
from perflab.base.processes import Stopped, stop_on_signals
from perflab.compare.clients import NoLab, parse_url
from perflab.load import plan, scenarios
from perflab.load import run as runs
from perflab.load.comparisons import requests, tuning
from perflab.load.generators import tools as by_tools
from perflab.load.tables import as_text
from perflab.management.one_line_command import OneLineCommand

INTERRUPTED = 130
OPTIONS = {"open_per_s": "--open", "freeze_s": "--freeze"}  # where they are called otherwise


def typed(function, *more):
    """An argparse type of a function that raises ValueError with a line."""

    def read(text):
        try:
            return function(text, *more)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


class Command(OneLineCommand):
    help = (
        "Puts users in front of the lab and tells how many it serves: for each point it starts a "
        "Gunicorn of its own on loopback. Exit status 1 when answers failed, 2 when it could not "
        "be measured, 130 when it was interrupted."
    )
    requires_system_checks = ()

    def run_from_argv(self, argv):
        # The terminal's own end, and `kill`, are to end all that we start as Ctrl-C does.
        stop_on_signals()
        super().run_from_argv(argv)

    def add_arguments(self, parser):
        parser.add_argument(
            "scenario",
            nargs="?",
            help=f"{', '.join(scenarios.names())}, or an experiment's slug",
        )
        parser.add_argument(
            "--users",
            type=typed(numbers.whole_numbers, 1, plan.MAX_USERS),
            help="who ask at once: one number, or several as 1,2,4,8 (20)",
        )
        parser.add_argument(
            "--duration", type=typed(plan.duration), help="of each point (20s; --tuning: 3s)"
        )
        parser.add_argument(
            "--workers",
            type=typed(numbers.whole_numbers, 1, MAX_WORKERS),
            help="Gunicorn's, one number or several (one for each core)",
        )
        parser.add_argument(
            "--threads",
            type=typed(numbers.whole_numbers, 1, MAX_THREADS),
            help="of each worker, likewise (1)",
        )
        parser.add_argument(
            "--worker-class",
            choices=plan.WORKER_CLASSES,
            help="Gunicorn's (sync, or gthread with several threads)",
        )
        variants = parser.add_mutually_exclusive_group()
        for name, chosen in (
            ("slow", ("slow",)),
            ("fast", ("fast",)),
            ("both", scenarios.VARIANTS),
        ):
            variants.add_argument(
                f"--{name}",
                dest="variants",
                action="store_const",
                const=chosen,
                default=(),
                help=f"load {'both variants' if name == 'both' else f'the {name} variant'}",
            )
        parser.add_argument(
            "--generator", choices=plan.GENERATORS, default="locust", help="(%(default)s)"
        )
        parser.add_argument("--experiment", metavar="SLUG", help="load this experiment alone")
        parser.add_argument("--movies", metavar="N", help="rows on a page")
        parser.add_argument("--round-trip", metavar="MS", help="simulated, added to each query")
        parser.add_argument("--cache", metavar="NAME", help="the cache used")
        parser.add_argument(
            "--ms",
            type=typed(numbers.whole_number, 0, plan.MAX_MS),
            help="what a calibrated page takes (50): io-bound and cpu-bound",
        )
        parser.add_argument(
            "--open",
            type=typed(plan.rate),
            metavar="RATE",
            dest="open_per_s",
            help="then ask once more, so many times a second whether or not answers come",
        )
        parser.add_argument(
            "--freeze",
            type=typed(plan.freeze),
            metavar="1s",
            dest="freeze_s",
            help="stop Gunicorn's workers for so long in the midst of each measurement",
        )
        parser.add_argument(
            "--load-workers",
            type=typed(numbers.whole_number, 1, plan.MAX_LOAD_WORKERS),
            metavar="N",
            help="Locust's: a master and so many processes that ask (one process in all)",
        )
        several = parser.add_mutually_exclusive_group()
        several.add_argument(
            "--classes",
            action="store_true",
            help="compare the worker classes on both calibrated pages",
        )
        several.add_argument(
            "--tuning",
            action="store_true",
            help="turn settings on and off in alternating rounds, on one page",
        )
        parser.add_argument(
            "--switches",
            type=typed(tuning.names),
            metavar="NAME,…",
            help=f"for --tuning: only these of {', '.join(tuning.SWITCHES)}",
        )
        parser.add_argument(
            "--rounds",
            type=typed(numbers.whole_number, 1, tuning.MOST_ROUNDS),
            metavar="N",
            help="of --tuning (6)",
        )
        parser.add_argument(
            "--port",
            type=typed(numbers.whole_number, 1, 65535),
            help="for our Gunicorn (a free one)",
        )
        parser.add_argument(
            "--host", metavar="URL", help="load this lab, which runs already, and start none"
        )
        parser.add_argument(
            "--i-own-this-host", action="store_true", help="allow a --host that is not on loopback"
        )
        parser.add_argument(
            "--json", type=Path, metavar="FILE", help="write the run there as well as to var/runs/"
        )

    def handle(self, **options):
        try:
            requests.check(options)
            if options["json"]:
                refuse_unwritable(options["json"])
            if requests.wanted(options):
                asked = requests.prepared(options, command_line(options), count_default_workers())
            else:
                asked = load_run(options)
        except (plan.LoadRefused, Problem) as refused:
            raise CommandError(one_line(refused).rstrip("."), returncode=2) from refused
        except DatabaseError as error:
            raise CommandError(f"the database says: {one_line(error)}", returncode=2) from error
        run = asked.run
        problem = status = None
        try:
            self.measure(asked)
        except (plan.LoadRefused, Problem) as refused:
            problem, status = one_line(refused).rstrip("."), 2
        except (KeyboardInterrupt, Stopped):
            problem, status = "interrupted", INTERRUPTED
        except OSError as error:
            problem, status = f"{error.strerror}: {error.filename}", 2
        self.tell(asked, options, problem)
        if status == INTERRUPTED:
            sys.exit(status)
        if problem:
            raise CommandError(problem, returncode=status)
        if any(p["failures"] or (p.get("open") or p)["failures"] for p in run["points"]):
            raise CommandError("answers failed", returncode=1)

    def measure(self, asked):
        """Perform the run, with a bar for each point on a terminal."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[now]}"))
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("starting", total=asked.run["duration_s"], now="")

            def tell(at):
                now = at.phase
                if at.requests_per_s is not None:
                    p95 = "" if at.p95_ms is None else f", p95 {at.p95_ms:,.0f} ms"
                    now = f"{at.requests_per_s:,.1f} requests/s{p95}"
                bar.update(task, description=where(at), completed=at.seconds, now=now)

            def measured(point):
                if point.get("partial") or not console.is_terminal:
                    return
                bar.console.print(
                    f"{point['requests_per_s']:,.1f} requests/s with {point['users']} users"
                    + (f" on {point['workers']} workers" if point["workers"] else ""),
                    style="dim",
                )

            asked.perform(tell, measured)

    def tell(self, asked, options, problem):
        """The table, and where it is kept."""
        run = asked.run
        kept = runs.path_of(run)
        if not (run["points"] or run.get("switches")):
            kept.unlink(missing_ok=True)  # there is nothing to look at
            if problem == "interrupted":
                self.stderr.write("Interrupted: nothing was measured yet.")
            return
        terminal, no_color = self.stdout.isatty(), options.get("no_color") or None
        self.stdout.write(asked.as_text(run, terminal, no_color))
        if run["points"] and run["points"][-1].get("partial"):
            self.stdout.write("* not measured to its end")
        self.stdout.write(f"{'Broken off, so far kept' if problem else 'Kept'} in {kept}")
        if options["json"]:
            options["json"].write_text(json.dumps(run, indent=1) + "\n")


def load_run(options):
    """A load run that has not begun. Raises plan.LoadRefused and django.db.Error."""
    wish = plan_of(options)
    scenarios.check(wish)
    if wish.generator != "locust":
        by_tools.check(wish.generator)
    run = runs.new_run(wish, command_line(options))
    return requests.Asked(
        run, lambda tell, measured: runs.perform(wish, run, tell, measured), as_text
    )


def plan_of(options):
    """The Plan that the options ask for. Raises plan.LoadRefused."""
    host, own = options["host"], options["i_own_this_host"]
    if host:
        try:
            host, _ = parse_url(host, own)
        except NoLab as error:
            raise plan.LoadRefused(str(error).replace("--url", "--host")) from error
        for name in ("workers", "threads", "worker_class", "port"):
            if options[name]:
                raise plan.LoadRefused(
                    f"--{name.replace('_', '-')} is for a Gunicorn that we start, not for a --host"
                )
    turned = {name: options[name] for name in ("movies", "round_trip", "cache")}
    return plan.Plan(
        scenario=options["scenario"],
        variants=options["variants"],
        users=options["users"] or (20,),
        workers=(None,) if host else options["workers"] or (count_default_workers(),),
        threads=(None,) if host else options["threads"] or (1,),
        worker_class=options["worker_class"],
        duration_s=options["duration"] or 20.0,
        generator=options["generator"],
        ms=options["ms"],
        experiment=options["experiment"],
        knobs={name: value for name, value in turned.items() if value is not None},
        host=host,
        own_host=own,
        port=options["port"],
        open_per_s=options["open_per_s"],
        freeze_s=options["freeze_s"] or 0,
        load_workers=options["load_workers"] or 0,
    )


def where(at):
    """Which point is being measured."""
    parts = [f"{at.number}/{at.of}", at.variant or ""]
    if at.workers:
        parts.append(f"{at.workers}×{at.threads} workers" if at.threads > 1 else f"{at.workers} w")
    return " ".join([*filter(None, parts), f"{at.users} users"])


def command_line(options):
    """How to run this again."""
    words = ["manage.py", "load", *([options["scenario"]] if options["scenario"] else [])]
    words += [f"--{kind}" for kind in ("classes", "tuning") if options[kind]]
    words += ["--switches", ",".join(options["switches"])] if options["switches"] else []
    words += ["--rounds", str(options["rounds"])] if options["rounds"] else []
    for name in ("users", "workers", "threads"):
        if options[name]:
            words += [f"--{name}", ",".join(map(str, options[name]))]
    words += ["--duration", f"{options['duration']:g}s"] if options["duration"] else []
    if options["variants"]:
        words.append("--both" if len(options["variants"]) == 2 else f"--{options['variants'][0]}")
    for name in ("worker_class", "generator", "experiment", "movies", "round_trip", "cache", "ms"):
        if options[name] not in (None, "locust"):
            words += [scenarios.flag(name), str(options[name])]
    for name in ("open_per_s", "freeze_s", "load_workers"):
        if options[name]:
            words += [OPTIONS.get(name, scenarios.flag(name)), f"{options[name]:g}"]
    if options["host"]:
        words += ["--host", options["host"]]
        words += ["--i-own-this-host"] if options["i_own_this_host"] else []
    return shlex.join(words)


def refuse_unwritable(path):
    """Raise LoadRefused, before anything is measured, where the results cannot be written."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise plan.LoadRefused(f"--json: cannot write {path}")
