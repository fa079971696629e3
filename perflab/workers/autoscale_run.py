"""One run of the auto-scaler: look at a running lab twice a second, decide, change its workers.

The run keeps a record of what it saw and did. Whoever starts it passes a function that saves this
record: the command `autoscale` saves it beside the load runs, which this package knows nothing of.
"""

import math
import os
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from django.conf import settings

from perflab.base import config, paths
from perflab.measure import machine

from . import control, live, scoreboard
from .autoscaler import Decision, Reading, Sample, decide

LOOK_EVERY_S = 0.5
LOAD_LOOKS, P95_LOOKS = 2, 4  # how many looks back each figure goes: a p95 rests on more answers
SILENCE_S = 5  # for so long nobody may answer, as while Gunicorn reloads
MAX_POINTS = 2400  # of the series: 20 minutes with every look
SAVE_EVERY_S = 2


class Lab:
    """The lab at a port: what its workers do, and how many it has to keep.

    It must have a scoreboard and a control socket. Raises Problem and ControlError.
    """

    def __init__(self, port):
        self.port = port
        self.scoreboard = Path(settings.VAR) / f"scoreboard-{port}"
        self.socket = paths.socket_path(paths.var_folder(), f"gunicorn-{port}.sock")
        try:
            found = scoreboard.snapshot(self.scoreboard)
        except scoreboard.NoScoreboard:
            found = None
        self.master = found and found.master
        if not self.is_alive():
            raise config.Problem(f"no lab runs on port {port}: start it with python3 -m perflab")
        if not self.socket.exists():
            raise control.ControlError(
                f"the lab on port {port} has no control socket at {self.socket}: "
                "start Gunicorn without --no-control-socket"
            )
        self.workers = self.target_workers()
        self.threads = max((slot.threads for slot in found.slots), default=1)

    def is_alive(self):
        """Return whether the lab's Gunicorn still runs."""
        return self.master is not None and psutil.pid_exists(self.master)

    def target_workers(self):
        """Return how many workers Gunicorn has to keep. Raises ControlError."""
        return control.target_workers(self.socket)

    def set_workers(self, number):
        """Have Gunicorn keep so many workers, and return the WorkerChange. Raises ControlError."""
        return control.set_workers(self.socket, number)

    def read(self):
        """Return a Reading, and how many workers Gunicorn has to keep.

        Raises ControlError and NoScoreboard.
        """
        workers = self.target_workers()
        found = scoreboard.snapshot(self.scoreboard)
        if found.master != self.master:
            raise control.ControlError("another Gunicorn has taken over")
        cpu_s = [live.read_process(slot.pid)["cpu_s"] or 0 for slot in found.slots]
        ready = sum(slot.state != "starting" for slot in found.slots)
        reading = Reading(
            at=time.monotonic(),
            ready=min(ready, workers),
            requests=found.requests,
            busy_s=found.busy_s,
            cpu_s=sum(cpu_s),
            latency=found.latency,
        )
        return reading, workers


@dataclass(frozen=True)
class Step:
    """One look at the lab, and what was decided."""

    sample: Sample
    decision: Decision
    changed: bool  # whether the number of workers was changed


class AutoscaleRun:
    """The loop, and the record of what it saw and did.

    `save` is called with the record, every few seconds and at the end.
    """

    def __init__(self, lab, limits, command, save):
        self.lab, self.limits, self.save = lab, limits, save
        self.record = new_record(lab, limits, command)
        self.samples = deque()

    def steps(self, duration_s=math.inf):
        """Look and decide until the time is over, and yield a Step after each look.

        Raises ControlError when the lab has ended.
        """
        readings = deque(maxlen=P95_LOOKS + 1)
        began = answered = time.monotonic()
        saved = -math.inf
        while (now := time.monotonic()) - began < duration_s:
            try:
                reading, workers = self.lab.read()
                readings.append(reading)
                self.record["workers_left"] = workers
                if len(readings) > LOAD_LOOKS:
                    before = readings[-1 - LOAD_LOOKS]
                    sample = Sample.between(before, reading, workers, p95_since=readings[0])
                    yield self.act_on(sample, began)
                answered = now
            except (control.ControlError, scoreboard.NoScoreboard) as error:
                if now - answered > SILENCE_S or not self.lab.is_alive():
                    ended = f"the lab on port {self.lab.port} has ended"
                    raise control.ControlError(ended) from error
            if now - saved > SAVE_EVERY_S and self.record["series"]:
                self.save(self.record)
                saved = now
            time.sleep(max(0, LOOK_EVERY_S - (time.monotonic() - now)))

    def act_on(self, sample, began):
        """Record a sample, decide, and change the number of workers if need be; return the Step."""
        self.remember(sample)
        series = [*self.record["series"], point_of(sample, began)]
        self.record["series"] = thin_out(series, MAX_POINTS)
        decision = decide(self.samples, self.limits)
        if decision.workers == sample.workers:
            return Step(sample, decision, changed=False)
        self.record["workers_left"] = self.lab.set_workers(decision.workers).after
        self.record["changes"].append(change_of(sample, decision, began))
        return Step(sample, decision, changed=True)

    def remember(self, sample):
        """Add a sample, and forget those that are older than the cool-down needs."""
        samples = self.samples
        samples.append(sample)
        while len(samples) > 1 and sample.at - samples[1].at >= self.limits.cool_down_s:
            samples.popleft()

    def finish(self, problem=None):
        """Complete the record and save it, unless there was nothing to record."""
        if not problem:
            with suppress(control.ControlError):  # the last order may have been interrupted
                self.record["workers_left"] = self.lab.target_workers()
        self.record["state"] = "failed" if problem else "done"
        del self.record["pid"]
        if problem:
            self.record["problem"] = problem
        if self.record["series"]:
            self.save(self.record)

    @property
    def workers_left(self):
        """The number of workers with which the lab is left."""
        return self.record["workers_left"] or self.lab.workers


def new_record(lab, limits, command):
    """Return the record of a run before its first point; docs/autoscale.md explains its names."""
    now = datetime.now(UTC)
    return {
        "version": 1,
        "kind": "autoscale",
        "id": f"{now:%Y%m%d-%H%M%S}-autoscale-{os.getpid()}",
        "date": now.isoformat(timespec="seconds"),
        "state": "running",
        "pid": os.getpid(),
        "command": command,
        "machine": machine.describe_machine(),
        "lab": {"url": f"http://127.0.0.1:{lab.port}", "threads": limits.threads},
        "limits": {
            "min": limits.min_workers,
            "max": limits.max_workers,
            "target_p95_ms": limits.target_ms,
            "cool_down_s": limits.cool_down_s,
        },
        "series": [],
        "changes": [],
        "workers_left": None,
    }


def point_of(sample, began):
    """Return a sample as a point of the series."""
    return round_floats(
        {
            "t_s": sample.at - began,
            "load": sample.load,
            "busy": sample.busy,
            "workers": sample.workers,
            "ready": sample.ready,
            "requests_per_s": sample.per_s,
            "p95_ms": sample.p95_ms,
            "server_cpu": sample.cpu,
        }
    )


def change_of(sample, decision, began):
    """Return a change as it stands in the record."""
    times = round_floats({"t_s": sample.at - began})
    return {
        **times,
        "from": sample.workers,
        "to": decision.workers,
        "reason": decision.reason,
    }


def round_floats(figures):
    """Return the figures with all floats rounded to three digits."""
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in figures.items()
    }


def thin_out(series, most):
    """Return every other point of a series longer than `most`; its last point stays."""
    return series if len(series) <= most else series[len(series) % 2 == 0 :: 2]
