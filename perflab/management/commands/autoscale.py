"""manage.py autoscale: add and remove workers of a running lab as its visitors need them."""

import math
import shlex
from datetime import datetime

from django.core.management.base import CommandError
from rich.console import Console
from rich.live import Live

from perflab.base import config, numbers
from perflab.base.messages import count_of, one_line
from perflab.base.processes import Stopped, stop_on_signals
from perflab.load import store
from perflab.management.one_line_command import OneLineCommand
from perflab.workers import control
from perflab.workers.autoscale_run import AutoscaleRun, Lab
from perflab.workers.autoscaler import Limits

TARGETS_MS = 1, 30_000
COOL_DOWNS_S = 1, 3600
DURATIONS_S = 1, 7 * 86400


class Command(OneLineCommand):
    help = (
        "Adds workers to a running lab while its visitors queue, and removes workers when fewer "
        "have been enough for a while. It runs until Ctrl-C and leaves the workers as they are."
    )
    requires_system_checks = ()

    def run_from_argv(self, argv):
        stop_on_signals()
        super().run_from_argv(argv)

    def add_arguments(self, parser):
        parser.add_argument("--min", default="1", metavar="N", help="fewest workers (1)")
        parser.add_argument("--max", default="8", metavar="N", help="most workers (8)")
        parser.add_argument(
            "--target-p95", default="200ms", help="how long 95 %% of the visitors may wait (200ms)"
        )
        parser.add_argument(
            "--cool-down",
            default="10s",
            help="how long fewer workers must have been enough before one is removed (10s)",
        )
        parser.add_argument(
            "--duration", help="how long to run, such as 5m (default: until Ctrl-C)"
        )
        parser.add_argument("--port", help="the lab's port (default: PORT, or 8000)")

    def handle(self, **options):
        try:
            limits, duration_s = read_limits(options), math.inf
            if options["duration"]:
                duration_s = read_seconds("--duration", options["duration"], *DURATIONS_S)
            lab = Lab(read_port(options))
        except config.Problem as problem:
            raise CommandError(one_line(problem).rstrip("."), returncode=problem.status) from None
        except control.ControlError as error:
            raise CommandError(one_line(error).rstrip("."), returncode=1) from None
        limits = Limits(**{**vars(limits), "threads": lab.threads})
        run = AutoscaleRun(lab, limits, command_line(options), save=store.write_record)
        problem = None
        try:
            self.show(run, duration_s)
        except (KeyboardInterrupt, Stopped):
            pass  # the usual end
        except control.ControlError as error:
            problem = one_line(error).rstrip(".")
        run.finish(problem)
        path = store.path_of(run.record["id"])
        kept = f"Kept in {path}" if run.record["series"] else "Nothing was measured yet."
        if problem:
            raise CommandError(f"{problem}. {kept}", returncode=1)
        left = count_of(run.workers_left, "workers")
        self.stdout.write(f"Stopped. The lab is left with {left}. {kept}")

    def show(self, run, duration_s):
        """Carry out the run, and show its state on one line and each change on another."""
        console = Console(file=self.stdout, force_terminal=self.stdout.isatty(), highlight=False)
        with Live(console=console, auto_refresh=False, transient=True) as live:
            for step in run.steps(duration_s):
                if console.is_terminal:
                    live.update(describe_state(step, run.limits), refresh=True)
                if step.changed:
                    live.console.print(describe_change(step), soft_wrap=True)


def read_port(options):
    """Return the port of the lab that the options name. Raises Problem."""
    if options["port"]:
        return config.read_whole_number("--port", options["port"], 1, 65535)
    return config.read_port()


def read_limits(options):
    """Return the Limits that the options ask for. Raises Problem."""
    ceiling = control.max_workers()
    fewest = config.read_whole_number("--min", options["min"], 1, ceiling)
    most = config.read_whole_number("--max", options["max"], 1, ceiling)
    if fewest > most:
        raise config.Problem(f"--min {fewest} is more than --max {most}", 2)
    low, high = (bound / 1000 for bound in TARGETS_MS)
    target_ms = 1000 * read_seconds("--target-p95", options["target_p95"], low, high)
    cool_down_s = read_seconds("--cool-down", options["cool_down"], *COOL_DOWNS_S)
    return Limits(fewest, most, target_ms, cool_down_s, cores=config.count_cores())


def read_seconds(name, text, low, high):
    """Return the seconds that an option means, such as "200ms". Raises Problem."""
    try:
        return numbers.seconds(text, low, high, example="200ms or 10s", unit="")
    except ValueError as error:
        raise config.Problem(f"{name} {error}", 2) from None


def command_line(options):
    """Return the command that starts the same run again."""
    words = ["manage.py", "autoscale"]
    for name in ("min", "max", "target_p95", "cool_down", "duration", "port"):
        if options[name]:
            words += [f"--{name.replace('_', '-')}", options[name]]
    return shlex.join(words)


def describe_state(step, limits):
    """Return the state of the lab, on one line of a terminal."""
    sample = step.sample
    p95 = "–" if sample.p95_ms is None else f"{sample.p95_ms:,.0f} ms"
    slots = sample.ready * limits.threads
    return (
        f"workers {sample.workers} · busy {sample.busy:.1f} of {slots} · load {sample.load:.1f} · "
        f"{sample.per_s:.1f} answers/s · p95 {p95} · {step.decision.reason}"
    )


def describe_change(step):
    """Return a change of the number of workers, on one line."""
    sample, decision = step.sample, step.decision
    p95 = "" if sample.p95_ms is None else f" (p95 {sample.p95_ms:,.0f} ms)"
    return (
        f"{datetime.now():%H:%M:%S}  {sample.workers} → {count_of(decision.workers, 'workers')}: "
        f"{decision.reason}{p95}"
    )
