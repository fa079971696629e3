"""What is known of a load run: what stands in its file in var/runs/, as dataclasses. Pure.

docs/do-more.md and docs/autoscale.md say what the names mean. Everything that measures, judges,
draws or shows a run takes and returns these. What a file may lack or have wrong is handled here,
by Record, and nowhere else.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from perflab.base.record import Layout, Malformed, Record, stored

VERSION = 2
READABLE = (1, 2)  # a file of version 1 calls the variant "side"

LOAD, CLASSES, TUNING, AUTOSCALE = "load", "classes", "tuning", "autoscale"
KINDS = (LOAD, CLASSES, TUNING, AUTOSCALE)
MEASURED = (LOAD, CLASSES, TUNING)  # the kinds in which the lab itself sends the requests

ALL = "all"  # in `costs`, the name of a load without variants


@dataclass(frozen=True, kw_only=True)
class Machine(Record):
    """The computer on which a run was measured."""

    cpu: str = ""
    cores: int | None = None
    system: str = ""


@dataclass(frozen=True, kw_only=True)
class LabDescription(Record):
    """The lab that was measured. Only its `url` is known of one that ran already."""

    database: str | None = None
    django: str | None = None
    python: str | None = None
    toolbar: bool | None = None
    rows: dict[str, int] | None = None
    gunicorn: str | None = stored(None, optional=True)
    url: str | None = None
    cache: str | None = None
    threads: int | None = stored(None, optional=True)


@dataclass(frozen=True, kw_only=True)
class Progress(Record):
    """Where a run is while it goes on."""

    number: int = 1  # of the point, from 1
    of: int = 1
    variant: str | None = stored(None, old_name="side")
    workers: int | None = None
    threads: int | None = None
    users: int | None = None
    phase: str = "starting"
    seconds: float = 0  # of the measurement, so far
    requests_per_s: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class RequestCost(Record):
    """What one request costs while nobody else asks. The theoretical line is calculated from it."""

    latency_ms: float  # as the only user sees it
    service_ms: float  # for which the request keeps a worker, or a thread, busy
    cpu_ms: float | None = None  # all of Gunicorn's; None where that cannot be seen
    queued_ms: float | None = None  # at most: ready to compute, and without a core
    kind: str | None = None  # CPU-bound, I/O-bound or mixed; None where it is not known


@dataclass(frozen=True, kw_only=True)
class OpenLoop(Record):
    """What the requests on a schedule found: those that are sent whether or not answers come."""

    per_s: float  # asked for
    seconds: float
    requests: int
    unanswered: int = 0
    failures: int = 0
    answered_per_s: float
    growing: bool = False  # whether the queue grew until the end
    late: int = 0  # requests that were sent late
    latest_ms: float = 0  # by how much, at most
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Point(Record):
    """One measurement of a run, with one number of workers, threads and users."""

    variant: str | None = stored(None, old_name="side")
    workers: int | None = None  # None: a lab that somebody else started
    threads: int | None = None
    worker_class: str | None = None
    users: int
    users_mean: float | None = stored(None, digits=2)
    duration_s: float | None = None
    requests: int  # failures among them
    failures: int = 0
    requests_per_s: float
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    think_ms: float | None = None
    expected_per_s: float | None = None
    limit: str | None = None  # of the theoretical line: "slots", "cores", "processes" or "users"
    little_users: float | None = None
    little_error: float | None = stored(None, signed=True, digits=4)
    server_cpu: float | None = None
    server_cpu_ms: float | None = None
    server_queued: float | None = None
    generator_cpu: float | None = None
    other_cpu: float | None = None
    generator_bound: bool = False
    cache_errors: int | None = stored(None, optional=True)  # calls that got no answer
    workers_changed: int = stored(0, optional=True)  # workers that came or went
    open: OpenLoop | None = stored(None, optional=True)
    said: str | None = stored(None, optional=True)  # by a scenario that ends with a conclusion
    partial: bool = stored(False, optional=True)  # the run was interrupted during this point
    # In a comparison of worker classes alone:
    scenario: str | None = stored(None, optional=True)
    name: str | None = stored(None, optional=True)
    busiest_share: float | None = stored(None, optional=True)
    memory_mb: float | None = stored(None, optional=True, digits=1)

    def is_measured(self) -> bool:
        """Return whether requests were answered, to the end of the measurement."""
        return self.requests > 0 and not self.partial


@dataclass(frozen=True, kw_only=True)
class Ratio(Record):
    """One figure of a switch: its medians on and off, and on ÷ off with its 95 % interval."""

    on: float = stored(digits=4)
    off: float = stored(digits=4)
    ratio: float = stored(digits=4)
    low: float = stored(digits=4)
    high: float = stored(digits=4)
    effect: str = ""  # "less", "more" or "": what turning it on does


@dataclass(frozen=True, kw_only=True)
class Positions(Record):
    """How each position of a switch is written in a configuration."""

    on: str = ""
    off: str = ""


@dataclass(frozen=True, kw_only=True)
class Rounds(Record):
    """The value of each figure in each round, for both positions of a switch."""

    on: dict[str, list[float]] = stored(factory=dict)
    off: dict[str, list[float]] = stored(factory=dict)


@dataclass(frozen=True, kw_only=True)
class SwitchResult(Record):
    """What turning one setting on and off has shown."""

    name: str
    default: str = ""  # "on" or "off"
    price: str = ""  # what the figures cannot show
    threads: int = 1
    positions: Positions = stored(factory=Positions, name="ways")
    rounds: int = 0
    ratios: dict[str, Ratio] = stored(factory=dict)
    measured: Rounds = stored(factory=Rounds)
    verdict: str = ""


@dataclass(frozen=True, kw_only=True)
class ScalerLimits(Record):
    """The limits that the auto-scaler was given."""

    least: int | None = stored(None, name="min")
    most: int | None = stored(None, name="max")
    target_p95_ms: float | None = None
    cool_down_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class ScalerSample(Record):
    """What the auto-scaler saw at one moment, `t_s` seconds after its start."""

    t_s: float
    users: float | None = stored(None, optional=True)
    load: float | None = None
    busy: float | None = None
    workers: float | None = None
    ready: float | None = None
    requests_per_s: float | None = None
    p95_ms: float | None = None
    server_cpu: float | None = None


@dataclass(frozen=True, kw_only=True)
class ScalerChange(Record):
    """A change that the auto-scaler made to the number of workers."""

    t_s: float
    before: int = stored(name="from")
    after: int = stored(name="to")
    reason: str = ""


@dataclass(kw_only=True)
class Run(Record):
    """A load run, a comparison or an auto-scaler's run, as it stands in its file."""

    id: str
    kind: str = stored(LOAD, optional=True)
    date: datetime | None = None  # when it began
    state: str = ""  # "running", "done", "interrupted" or "failed"
    pid: int | None = stored(None, optional=True)  # while it is running
    command: str = ""
    machine: Machine = stored(factory=Machine)
    lab: LabDescription = stored(factory=LabDescription)
    problem: str | None = stored(None, optional=True)  # why it failed

    client: dict[str, str] = stored(factory=dict, kinds=MEASURED)
    knobs: dict[str, str | int | float] = stored(factory=dict, kinds=MEASURED)
    scenario: str = stored("", kinds=MEASURED)
    generator: str = stored("", kinds=MEASURED)
    generator_version: str = stored("", kinds=MEASURED)
    duration_s: float | None = stored(None, kinds=MEASURED)  # of each point
    freeze_s: float = stored(0, kinds=MEASURED)
    load_workers: int = stored(0, kinds=MEASURED)
    costs: dict[str, RequestCost] = stored(factory=dict, name="alone", kinds=MEASURED)
    points: list[Point] = stored(factory=list, kinds=MEASURED)
    verdict: str = stored("", kinds=MEASURED)
    warnings: list[str] = stored(factory=list, kinds=MEASURED)
    progress: Progress | None = stored(None, name="now", optional=True, kinds=MEASURED)

    path: str = stored("", kinds=(TUNING,))
    workers: int | None = stored(None, kinds=(TUNING,))
    users: int | None = stored(None, kinds=(TUNING,))
    rounds: int | None = stored(None, kinds=(TUNING,))
    switches: list[SwitchResult] = stored(factory=list, kinds=(TUNING,))

    limits: ScalerLimits = stored(factory=ScalerLimits, kinds=(AUTOSCALE,))
    series: list[ScalerSample] = stored(factory=list, kinds=(AUTOSCALE,))
    changes: list[ScalerChange] = stored(factory=list, kinds=(AUTOSCALE,))
    workers_left: int | None = stored(None, kinds=(AUTOSCALE,))

    @classmethod
    def from_json(cls, data: object, **given: Any) -> Self:
        """Return the run that a file of this or an older version holds. Raises Malformed."""
        version = data.get("version") if isinstance(data, dict) else None
        if isinstance(version, bool) or version not in READABLE:
            raise Malformed(f"no run of a version that can be read: {str(version)[:20]}")
        run = super().from_json(data, **given)
        run.scenario = run.scenario or run.kind
        if version == 1:
            run.command = command_today(run)
        return run

    def has(self, one: Layout) -> bool:
        """Return whether a run of this kind has a field."""
        return not one.kinds or self.kind in one.kinds

    def to_json(self) -> dict[str, Any]:
        """Return what is written to the run's file."""
        return {"version": VERSION, **super().to_json()}

    def measured_points(self) -> list[Point]:
        """Return the points that were measured to their end."""
        return [point for point in self.points if point.is_measured()]


def command_today(run: Run) -> str:
    """Return the command line of a run of version 1 with the commands that there are now."""
    for kind, option, command in (
        (CLASSES, "--classes", "compare_classes"),
        (TUNING, "--tuning", "tune"),
    ):
        if run.kind == kind:
            words = [word for word in run.command.split(" ") if word != option]
            return " ".join(words).replace("manage.py load", f"manage.py {command}", 1)
    return run.command
