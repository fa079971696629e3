"""What a load run is asked to do, checked before anything starts."""

from dataclasses import dataclass, field

from perflab.base import numbers

MAX_USERS = 500  # as locustfiles/_lab.py has it
MIN_S, MAX_S = 1, 600  # of one point
MAX_POINTS = 64
MAX_RATE = 1000  # requests a second on a schedule: one process can send so many in time
MAX_FREEZE_S = 5  # far shorter than the time after which Gunicorn kills a silent worker
MAX_LOAD_WORKERS = 16  # Locust's own
MAX_MS = 1000  # the longest time that a calibrated page may be asked to take
GENERATORS = ("locust", "hey", "ab", "wrk")
WORKER_CLASSES = ("sync", "gthread", "gevent", "asgi")


class LoadRefused(Exception):
    """A run that cannot begin, or cannot go on. The message is one line."""


def duration(text):
    """Return the seconds in "20s", "2m" or "20". Raises ValueError with one line."""
    return numbers.seconds(text, MIN_S, MAX_S, example="20s")


def rate(text):
    """Return the requests a second in "100" or "0.5". Raises ValueError with one line."""
    return numbers.decimal_number(text, 0.001, MAX_RATE, "requests a second")


def freeze(text):
    """Return the seconds in "1s" or "0.5". Raises ValueError with one line."""
    return numbers.seconds(text, 0.001, MAX_FREEZE_S, example="1s")


def chosen_knobs(options):
    """Return the knobs among a command's options that were given, by name, as text."""
    names = ("movies", "round_trip", "cache")
    return {name: options[name] for name in names if options[name] is not None}


@dataclass(frozen=True)
class Plan:
    """What was asked for. Every combination of users, workers and threads is a point.

    Each variant has all these points. `host` names a lab that runs already; then there are no
    workers and threads to choose.
    """

    scenario: str
    variants: tuple[str, ...] = ()  # "slow", "fast", or none where the scenario has no variants
    users: tuple[int, ...] = (20,)
    workers: tuple[int | None, ...] = (1,)
    threads: tuple[int | None, ...] = (1,)
    worker_class: str | None = None  # None: sync, or gthread with more than one thread
    duration_s: float = 20
    generator: str = "locust"
    ms: int | None = None
    experiment: str | None = None
    knobs: dict = field(default_factory=dict)  # those that were chosen, by name, as text
    host: str | None = None
    own_host: bool = False
    port: int | None = None
    open_per_s: float | None = None  # requests a second on a schedule, sent afterwards
    freeze_s: float = 0  # for so long Gunicorn's workers are stopped in each measurement
    load_workers: int = 0  # Locust's processes beside its master; 0: one process without a master

    def __post_init__(self):
        """Raise LoadRefused for what does not go together."""
        if self.worker_class not in (None, "gthread") and self.threads not in ((1,), (None,)):
            raise LoadRefused(
                f"--threads is for gthread workers: {self.worker_class} has one thread"
            )
        count = len(self.users) * len(self.workers) * len(self.threads) * max(1, len(self.variants))
        if count > MAX_POINTS:
            raise LoadRefused(
                f"{count} points are too many for one run: the ceiling is {MAX_POINTS}"
            )
        if self.freeze_s and self.host:
            raise LoadRefused("--freeze stops a Gunicorn that we start, not a --host")
        if self.freeze_s > self.duration_s / 4:
            raise LoadRefused(f"--freeze {self.freeze_s:g}s needs a --duration of 4 times as long")
        if self.load_workers and self.generator != "locust":
            raise LoadRefused(f"--load-workers are Locust's: {self.generator} has none")

    def worker_class_for(self, threads):
        """Return the worker class of a point with so many threads; None where we start no lab."""
        if threads is None:
            return None
        return self.worker_class or ("gthread" if threads > 1 else "sync")
