"""`manage.py measure`: the comparison pages' figures without a browser, as a table and as JSON."""

import argparse
import json
import math
import os
import re
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error as DatabaseError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from perflab.base import numbers
from perflab.base.messages import one_line
from perflab.catalogue import knobs, needs
from perflab.compare import lab_pages, last_results, runner
from perflab.compare.clients import NoLab, OverHTTP, in_process
from perflab.compare.report import as_text
from perflab.compare.story import NoStory, play_story
from perflab.management.arguments import argument_type, no_such_experiment
from perflab.management.one_line_command import OneLineCommand
from perflab.management.own_database import refuse_to_serve_foreign_database
from perflab.measure import machine
from perflab.measure.stats import format_ratio


def ratio_limit(text):
    """Return the slug and the ratio of a text SLUG=RATIO; an argparse type."""
    slug, equals, number = text.partition("=")
    try:
        ratio = float(number)
    except ValueError:
        ratio = math.nan
    if not slug or not equals or not 0 < ratio < math.inf:
        raise argparse.ArgumentTypeError(f"must be SLUG=RATIO, such as n-plus-one=5, not {text!r}")
    return slug, ratio


def own_knob(text):
    """Return the name and the value of a text NAME=NUMBER; an argparse type.

    The lab itself says whether it accepts the value.
    """
    name, equals, value = text.partition("=")
    if not re.fullmatch("[a-z_]+", name) or not re.fullmatch("[0-9]+", value):
        raise argparse.ArgumentTypeError(f"must be NAME=NUMBER, such as page=1000, not {text!r}")
    return name, value


class Command(OneLineCommand):
    help = (
        "Measures every variant of the named experiments, in turn, and says how many times faster "
        "the last one is. Exit status 1 when a --fail-under is not met or a run gets no verdict, "
        "because two variants show different pages, for example; 2 when it could not be measured."
    )
    requires_system_checks = ()

    def run_from_argv(self, argv):
        # Nobody should wonder what DEBUG and an idle toolbar cost: start again without them.
        if settings.DEBUG or settings.TOOLBAR:
            os.environ.update(DEBUG="0", PERFLAB_TOOLBAR="0")
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
        super().run_from_argv(argv)

    def add_arguments(self, parser):
        parser.add_argument("slug", nargs="*", help="experiments (default: all)")
        parser.add_argument("--all", action="store_true", help="all experiments")
        parser.add_argument("--movies", type=int, help=f"rows on a page ({knobs.DEFAULT_MOVIES})")
        parser.add_argument(
            "--round-trip", type=float, help="simulated, ms added to each query (0)"
        )
        parser.add_argument(
            "--lessons",
            action="store_true",
            help="measure each experiment where its lesson shows, as its page begins: with its "
            "lesson's knobs, where no option sets them",
        )
        parser.add_argument("--cache", help="the cache used (default: the lab's first)")
        parser.add_argument(
            "--knob",
            type=own_knob,
            action="append",
            default=[],
            metavar="NAME=NUMBER",
            help="a knob of one experiment's own, such as page=1000; may be repeated",
        )
        parser.add_argument(
            "--cold", action="store_true", help="find the cache empty in every single run"
        )
        parser.add_argument(
            "--runs",
            type=argument_type(numbers.whole_number, knobs.MIN_RUNS, knobs.MAX_RUNS),
            default=knobs.DEFAULT_RUNS,
            help="of each variant, after a warm-up (%(default)s)",
        )
        parser.add_argument(
            "--url", help="a running lab, such as http://127.0.0.1:8000 (default: in this process)"
        )
        parser.add_argument(
            "--i-own-this-host", action="store_true", help="allow a --url that is not on loopback"
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
        parser.add_argument(
            "--fail-under",
            type=ratio_limit,
            action="append",
            default=[],
            metavar="SLUG=RATIO",
            help="exit status 1 when this experiment's ratio is lower; may be repeated",
        )

    def handle(self, **options):
        if options["all"] and options["slug"]:
            raise CommandError("name experiments or say --all, not both", returncode=2)
        if settings.DEBUG and not options["url"]:
            raise CommandError(
                "with DEBUG=1 Django keeps every statement: set DEBUG=0", returncode=2
            )
        try:
            with self.client(options) as client:
                result, failures = self.measure(client, options)
        except (NoLab, lab_pages.LabRefused) as problem:
            line = str(problem).rstrip(".")
            raise CommandError(f"{line}. There are no results.", returncode=2) from problem
        except DatabaseError as error:
            raise CommandError(f"the database says: {one_line(error)}", returncode=2) from error
        except KeyboardInterrupt:
            self.stderr.write("Interrupted: there are no results.")
            sys.exit(130)
        terminal, no_color = self.stdout.isatty(), options.get("no_color") or None
        if result["experiments"]:
            self.stdout.write(as_text(result, terminal, no_color))
        if failures:
            raise CommandError(f"not measured: {'; '.join(failures)}", returncode=2)
        if not options["url"]:
            write_last_results(result)
        if options["json"]:
            write_json(options["json"], result)
        if failed := failed_gates(result, options["fail_under"]):
            raise CommandError("; ".join(failed), returncode=1)

    def client(self, options):
        """Return the client for the lab, as a context manager."""
        if options["url"]:
            return nullcontext(OverHTTP(options["url"], own=options["i_own_this_host"]))
        refuse_to_serve_foreign_database()
        return in_process()

    def measure(self, client, options):
        """Return the result, and a line for each experiment that failed."""
        catalogue = lab_pages.read_catalogue(client)
        experiments = choose(catalogue, options["slug"], options["fail_under"])
        own = dict(options["knob"])
        refuse_unknown_knobs(experiments, own)
        if options["json"]:
            refuse_unwritable(options["json"])
        given = {name: options[name] for name in ("movies", "round_trip", "cache")}
        given = {name: value for name, value in given.items() if value is not None} | own
        plain = {"movies": knobs.DEFAULT_MOVIES, "round_trip": 0}
        chosen = {
            experiment["slug"]: choose_knobs(experiment, plain, given, options["lessons"])
            for experiment in experiments
        }
        cache = given.get("cache", catalogue["default_cache"])
        runs, cold = options["runs"], options["cold"]
        measured, failures = [], []
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            steps = sum(len(experiment["variants"]) for experiment in experiments) * runs
            task = bar.add_task("asking for each page", total=steps)
            for experiment in experiments:
                lab_pages.check_pages(client, [experiment], chosen[experiment["slug"]])
            for experiment in experiments:
                sent = chosen[experiment["slug"]]
                bar.update(task, description=experiment["slug"])
                try:
                    verdicts, no_story = play(client, experiment, sent)
                    result = runner.measure_experiment(
                        client,
                        experiment,
                        sent,
                        runs,
                        cold,
                        after_each_run=lambda: bar.advance(task),
                        verdicts=verdicts,
                        no_story=no_story,
                    )
                    measured.append(result | {"knobs": knobs_used(sent)})
                except lab_pages.PageFailed as failure:
                    failures.append(f"{experiment['slug']}: {failure}")
        answered = max(
            (variant["workers"] for r in measured for variant in r["variants"]), default=0
        )
        whole = {
            "version": 2,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine.describe_machine(),
            "lab": {
                **(
                    machine.describe_lab() if client.url is None else describe_remote_lab(catalogue)
                ),
                "url": client.url,
                "cache": cache,
                "workers": answered,
            },
            "knobs": {
                **knobs_used(plain | given),
                "lessons": options["lessons"],
                "cache": cache,
                "cold": cold,
                "runs": runs,
            },
            "experiments": measured,
        }
        return whole, failures


def choose_knobs(experiment, plain, given, at_lesson):
    """Return the knobs with which an experiment is measured.

    What was not `given` is plain, or as in its lesson. A lesson for which there are not enough
    films has no setting here.
    """
    lesson = experiment.get("lesson", {})
    if at_lesson and lesson and lesson["films"] <= lesson["films_there"]:
        plain = lesson["knobs"]
    chosen = plain | given
    return chosen | {"round_trip": f"{chosen['round_trip']:g}"}


def knobs_used(chosen):
    """Return the knobs of a measurement as they stand in its JSON, the cache aside."""
    return {
        name: float(value) if name == "round_trip" else int(value)
        for name, value in chosen.items()
        if name != "cache"
    }


def play(client, experiment, sent):
    """Return the verdicts of a story whose lesson is what is right, and why there is none."""
    if experiment["figure"] != "correctness":
        return [], ""
    try:
        story = play_story(client, experiment, sent)
    except NoStory as reason:
        return [], str(reason).rstrip(".")
    return story.to_json()["verdicts"], story.no_verdict


def describe_remote_lab(catalogue):
    """Return what is known of a lab in another process, and None for what it does not say."""
    unknown = dict.fromkeys(("django", "python", "toolbar", "rows"))
    return {"database": catalogue["database"], **unknown}


def choose(catalogue, slugs, limits):
    """Return the experiments to measure, in teaching order. Raises CommandError for others."""
    known = [experiment["slug"] for experiment in catalogue["experiments"]]
    for slug in [*slugs, *(slug for slug, _ in limits)]:
        if slug in catalogue.get("elsewhere", {}):
            needed = catalogue["elsewhere"][slug]
            raise CommandError(f"{slug} needs {needed}: {needs.how_to_meet(needed)}", returncode=2)
        if slug not in known:
            raise no_such_experiment(slug, known)
    for slug, _ in limits:
        if slugs and slug not in slugs:
            raise CommandError(f"--fail-under {slug} is not being measured: name it", returncode=2)
    return [e for e in catalogue["experiments"] if not slugs or e["slug"] in slugs]


def refuse_unknown_knobs(experiments, own):
    """Raise CommandError for a knob that none of the experiments has."""
    known = {name for experiment in experiments for name in experiment["knobs"]}
    for name in own:
        if name not in known:
            listed = f"there are {', '.join(sorted(known))}"
            ending = listed if known else "none has knobs of its own"
            raise CommandError(f"--knob: no experiment here has {name!r}; {ending}", returncode=2)


def refuse_unwritable(path):
    """Raise CommandError, before anything is measured, where the results cannot be written."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandError(f"--json: cannot write {path}", returncode=2)


def write_json(path, result):
    """Write the results, the samples of a variant in one line. Raises CommandError."""
    text = json.dumps(result, indent=1)
    text = re.sub(r"\[\s+([\d.,\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    try:
        path.write_text(text + "\n")
    except OSError as error:
        raise CommandError(f"--json: {path}: {error.strerror}", returncode=2) from error


def write_last_results(result):
    """Write what the contents page shows of each experiment that has a verdict."""
    for experiment in result["experiments"]:
        if not experiment["not_judged"]:
            used = {name: experiment["knobs"][name] for name in ("movies", "round_trip")}
            last_results.write_measured(experiment, **used)


def failed_gates(result, limits):
    """Return a sentence for each gate that the result does not pass.

    A story that cannot be played here, with one process, is no failure.
    """
    measured = {experiment["slug"]: experiment for experiment in result["experiments"]}
    failed = []
    for slug, experiment in measured.items():
        reasons = [reason for reason in experiment["not_judged"] if reason["code"] != "story"]
        if reasons:
            failed.append(f"{slug} is not judged: {reasons[0]['what'].rstrip('.')}")
    for slug, limit in limits:
        ratio = measured[slug]["ratio"]
        if ratio is not None and ratio < limit:
            failed.append(f"{slug}: the ratio is {format_ratio(ratio)}, under {limit:g}")
    return failed
