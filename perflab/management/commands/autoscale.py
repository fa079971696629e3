"""manage.py autoscale: watch a running lab's queue, and turn the worker dial accordingly."""

import math
import os
import shlex
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console
from rich.live import Live

from perflab.base import config, numbers, paths
from perflab.base.messages import one_line
from perflab.base.processes import Stopped, stop_on_signals
from perflab.load import run as runs
from perflab.load.verdict import several
from perflab.management.one_line_command import OneLineCommand
from perflab.measure import machine
from perflab.workers import control, live, scoreboard
from perflab.workers.autoscaler import Decision, Limits, Reading, Sample, decide, thinned

TICK_S = 0.5
BUSY_TICKS, P95_TICKS = 2, 4  # how far back each looks: a p95 rests on more answers
PATIENCE_S = 5  # without an answer, as while Gunicorn reloads, until the lab counts as gone
MAX_POINTS = 2400  # that are kept: 20 minutes at full resolution
SAVE_S = 2
TARGETS_MS = 1, 30_000
COOL_DOWNS_S = 1, 3600
DURATIONS_S = 1, 7 * 86400


class Command(OneLineCommand):
    help = (
        "Adds workers to a running lab while its visitors queue, and takes them away when fewer "
        "have been enough for a while. It goes on until Ctrl-C, and leaves the workers as they are."
    )
    requires_system_checks = ()

    def run_from_argv(self, argv):
        stop_on_signals()
        super().run_from_argv(argv)

    def add_arguments(self, parser):
        parser.add_argument("--min", default="1", metavar="N", help="fewest workers (1)")
        parser.add_argument("--max", default="8", metavar="N", help="most workers (8)")
        parser.add_argument(
            "--target-p95", default="200ms", help="what 95 %% of the visitors may wait (200ms)"
        )
        parser.add_argument(
            "--cool-down", default="10s", help="for so long fewer must have been enough (10s)"
        )
        parser.add_argument("--duration", help="end by itself after so long, such as 5m")
        parser.add_argument("--port", help="the lab's port (default: PORT, or 8000)")

    def handle(self, **options):
        try:
            port = config.read_port()
            if options["port"]:
                port = config.read_whole_number("--port", options["port"], 1, 65535)
            limits = limits_of(options)
            duration_s = math.inf
            if options["duration"]:
                duration_s = read_seconds("--duration", options["duration"], *DURATIONS_S)
            lab = Lab(port)
            limits = Limits(**{**vars(limits), "threads": lab.threads})
        except config.Problem as problem:
            raise CommandError(one_line(problem).rstrip("."), returncode=problem.status) from None
        except control.DialError as error:
            raise CommandError(one_line(error).rstrip("."), returncode=1) from None
        run = new_run(lab, limits, options)
        problem = None
        try:
            self.watch(lab, limits, run, duration_s)
        except (KeyboardInterrupt, Stopped):
            pass  # the usual end
        except control.DialError as error:
            problem = one_line(error).rstrip(".")
        if not problem:
            with suppress(control.DialError):  # our last order may have been under way
                run["workers_left"] = control.workers(lab.socket)
        conclude(run, problem)
        kept = f"Kept in {runs.path_of(run)}" if run["series"] else "Nothing was measured yet."
        if problem:
            raise CommandError(f"{problem}. {kept}", returncode=1)
        left = several(run["workers_left"] or lab.workers, "workers")
        self.stdout.write(f"Stopped. The lab is left with {left}. {kept}")

    def watch(self, lab, limits, run, duration_s):
        """Look twice a second and turn the dial, into `run`. Raises DialError when the lab goes."""
        console = Console(file=self.stdout, force_terminal=self.stdout.isatty(), highlight=False)
        readings, samples = deque(maxlen=P95_TICKS + 1), deque()
        began = answered = time.monotonic()
        saved = -math.inf
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while (now := time.monotonic()) - began < duration_s:
                try:
                    reading, workers = lab.look()
                    readings.append(reading)
                    run["workers_left"] = workers
                    if len(readings) > BUSY_TICKS:
                        before = readings[-1 - BUSY_TICKS]
                        sample = Sample.between(before, reading, workers, readings[0])
                        remember(samples, sample, limits.cool_down_s)
                        note(run, sample, began)
                        decision = decide(samples, limits)
                        if console.is_terminal:
                            live.update(line(sample, limits, decision), refresh=True)
                        if decision.workers != workers:
                            turned = control.turn(lab.socket, "set", decision.workers)
                            run["workers_left"] = turned.after
                            note_change(run, sample, decision, began)
                            live.console.print(told(sample, decision), soft_wrap=True)
                    answered = now
                except (control.DialError, scoreboard.NoScoreboard) as error:
                    # For a moment nobody answers, as while Gunicorn reloads.
                    if now - answered > PATIENCE_S or not lab.is_alive():
                        raise control.DialError(f"the lab on port {lab.port} has ended") from error
                if now - saved > SAVE_S and run["series"]:
                    runs.save(run)
                    saved = now
                time.sleep(max(0, TICK_S - (time.monotonic() - now)))


class Lab:
    """The lab at a port: what its workers do, and where it takes orders. Raises Problem, DialError.

    It must have both a scoreboard and a control socket.
    """

    def __init__(self, port):
        self.port = port
        self.board = Path(settings.VAR) / f"scoreboard-{port}"
        self.socket = paths.socket_path(paths.var_folder(), f"gunicorn-{port}.sock")
        try:
            found = scoreboard.snapshot(self.board)
        except scoreboard.NoScoreboard:
            found = None
        self.master = found and found.master
        if not self.is_alive():
            raise config.Problem(f"no lab runs on port {port}: start it with python3 -m perflab")
        if not self.socket.exists():
            raise control.DialError(
                f"the lab on port {port} has no control socket at {self.socket}: "
                "start Gunicorn without --no-control-socket"
            )
        self.workers = control.workers(self.socket)
        self.threads = max((slot.threads for slot in found.slots), default=1)

    def is_alive(self):
        """Whether its Gunicorn still runs."""
        return self.master is not None and psutil.pid_exists(self.master)

    def look(self):
        """A Reading, and how many workers Gunicorn has to keep."""
        workers = control.workers(self.socket)
        found = scoreboard.snapshot(self.board)
        if found.master != self.master:
            raise control.DialError("another Gunicorn has taken over")
        cpu_s = [live.of_process(slot.pid)["cpu_s"] or 0 for slot in found.slots]
        ready = sum(slot.state != "starting" for slot in found.slots)
        reading = Reading(
            at=time.monotonic(),
            ready=min(ready, workers),
            requests=found.ended_requests + sum(slot.requests for slot in found.slots),
            busy_s=(found.ended_busy_ns + sum(slot.busy_ns for slot in found.slots)) / 1e9,
            cpu_s=sum(cpu_s),
            latency=found.latency,
        )
        return reading, workers


def limits_of(options):
    """The Limits that the options ask for. Raises values.Problem."""
    ceiling = control.ceiling()
    least = config.read_whole_number("--min", options["min"], 1, ceiling)
    most = config.read_whole_number("--max", options["max"], 1, ceiling)
    if least > most:
        raise config.Problem(f"--min {least} is more than --max {most}", 2)
    low, high = (bound / 1000 for bound in TARGETS_MS)
    target_ms = 1000 * read_seconds("--target-p95", options["target_p95"], low, high)
    cool_down_s = read_seconds("--cool-down", options["cool_down"], *COOL_DOWNS_S)
    return Limits(least, most, target_ms, cool_down_s, cores=config.count_cores())


def read_seconds(name, text, low, high):
    """Return the seconds in a text that has a unit. Raises config.Problem."""
    try:
        return numbers.seconds(text, low, high, example="200ms or 10s", unit="")
    except ValueError as error:
        raise config.Problem(f"{name} {error}", 2) from error


def new_run(lab, limits, options):
    """The file in var/runs/ before its first point."""
    now = datetime.now(UTC)
    words = ["manage.py", "autoscale"]
    for name in ("min", "max", "target_p95", "cool_down", "duration", "port"):
        if options[name]:
            words += [f"--{name.replace('_', '-')}", options[name]]
    return {
        "version": 1,
        "kind": "autoscale",
        "id": f"{now:%Y%m%d-%H%M%S}-autoscale-{os.getpid()}",
        "date": now.isoformat(timespec="seconds"),
        "state": "running",
        "pid": os.getpid(),
        "command": shlex.join(words),
        "machine": machine.machine(),
        "lab": {"url": f"http://127.0.0.1:{lab.port}", "threads": limits.threads},
        "limits": {
            "min": limits.least,
            "max": limits.most,
            "target_p95_ms": limits.target_ms,
            "cool_down_s": limits.cool_down_s,
        },
        "series": [],
        "changes": [],
        "workers_left": None,
    }


def remember(samples, sample, for_s):
    """Add a sample, and forget those of which no cool-down that ends now needs to know."""
    samples.append(sample)
    while len(samples) > 1 and sample.at - samples[1].at >= for_s:
        samples.popleft()


def note(run, sample, began):
    """A point of the time series."""
    point = {
        "t_s": sample.at - began,
        "load": sample.load,
        "busy": sample.busy,
        "workers": sample.workers,
        "ready": sample.ready,
        "requests_per_s": sample.per_s,
        "p95_ms": sample.p95_ms,
        "server_cpu": sample.cpu,
    }
    run["series"] = thinned([*run["series"], runs.rounded(point)], MAX_POINTS)


def note_change(run, sample, decision, began):
    change = {"t_s": sample.at - began, "from": sample.workers, "to": decision.workers}
    run["changes"].append({**runs.rounded(change), "reason": decision.reason})


def conclude(run, problem):
    """Write the run as it has ended; nothing where there is nothing to look at."""
    run["state"] = "failed" if problem else "done"
    del run["pid"]
    if problem:
        run["problem"] = problem
    if run["series"]:
        runs.save(run)


def line(sample, limits, decision: Decision) -> str:
    """How it stands, in one line of a terminal."""
    p95 = "–" if sample.p95_ms is None else f"{sample.p95_ms:,.0f} ms"
    slots = sample.ready * limits.threads
    return (
        f"workers {sample.workers} · busy {sample.busy:.1f} of {slots} · load {sample.load:.1f} · "
        f"{sample.per_s:.1f} answers/s · p95 {p95} · {decision.reason}"
    )


def told(sample, decision) -> str:
    """A change, in one line."""
    p95 = "" if sample.p95_ms is None else f" (p95 {sample.p95_ms:,.0f} ms)"
    return (
        f"{datetime.now():%H:%M:%S}  {sample.workers} → {several(decision.workers, 'workers')}: "
        + (f"{decision.reason}{p95}")
    )
