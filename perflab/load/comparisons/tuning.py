"""What `manage.py tune` turns on and off, and what its figures mean. Pure."""

from dataclasses import dataclass, replace
from pathlib import Path

from perflab.measure import stats

from ..model import Positions, Ratio, SwitchResult
from ..verdict import OTHERS, RunWarning
from ..wording import describe_switch

SETTINGS_OFF = Path(__file__).with_name("settings_off")
MODULE = f"{__package__}.settings_off"
LEAST_ROUNDS = 4  # with fewer, chance alone too often puts all of one position above the other
MOST_ROUNDS = 100
WORTH = 0.05  # a smaller change is not worth a setting
RESTART = 100  # requests after which max_requests ends a worker: few enough to happen in a round

# The figures that are compared. Of all of them less is better.
FIGURES = ("p50_ms", "p95_ms", "cpu_ms", "memory_mb", "start_cpu_s")


@dataclass(frozen=True)
class Position:
    """How Gunicorn is started for one position of a switch."""

    written: str  # as it stands in a configuration
    arguments: tuple[str, ...] = ()
    config: str | None = None
    settings: str | None = None  # Django's settings module


@dataclass(frozen=True)
class Switch:
    """One setting, on and off, and which of the two is this lab's default."""

    name: str
    on: Position
    off: Position
    default: str  # "on" or "off"
    price: str  # what the figures cannot show
    threads: int = 1


SWITCHES = {
    switch.name: switch
    for switch in (
        Switch(
            "preload",
            Position("preload_app = True", arguments=("--preload",)),
            Position("preload_app = False"),
            default="off",
            price="a reload (HUP) finds no new code, and what is open before the fork must be "
            "closed: connections, the clients of caches",
        ),
        Switch(
            "gc-freeze",
            Position("gc.freeze() after the start"),
            Position("no gc.freeze()", config=str(SETTINGS_OFF / "unfrozen.py")),
            default="on",
            price="what the start left behind is never collected",
        ),
        Switch(
            "keep-alive",
            Position("keepalive = 2", arguments=("--keep-alive", "2")),
            Position("keepalive = 0", arguments=("--keep-alive", "0")),
            default="on",
            price="a connection stays with its worker, also while another one is free",
            threads=4,  # sync workers close every connection, whatever keepalive says
        ),
        Switch(
            "max-requests",
            Position(
                f"max_requests = {RESTART}",
                arguments=("--max-requests", f"{RESTART}", "--max-requests-jitter", "10"),
            ),
            Position("max_requests = 0"),
            default="off",
            price="it bounds the memory that a leak can take; without a leak it only costs",
        ),
        Switch(
            "persistent-connections",
            Position("CONN_MAX_AGE = 60"),
            Position("CONN_MAX_AGE = 0", settings=f"{MODULE}.new_connections"),
            default="on",
            price="each thread of each worker holds a connection, also while nobody asks",
        ),
        Switch(
            "cached-templates",
            Position("cached template loader"),
            Position("no cached loader", settings=f"{MODULE}.uncached_templates"),
            default="on",
            price="a changed template is seen after a restart",
        ),
    )
}


def names(text):
    """Return the switches in "preload,gc-freeze", in the table's order.

    Raises ValueError with one line.
    """
    asked = text.split(",")
    unknown = [name for name in asked if name not in SWITCHES]
    if unknown:
        raise ValueError(f"there is no switch {unknown[0][:40]!r}; there are {', '.join(SWITCHES)}")
    return tuple(name for name in SWITCHES if name in asked)


def compare(switch, measured):
    """Return what the rounds of a switch show."""
    ratios = {}
    for figure in FIGURES:
        on, off = measured.on.get(figure, []), measured.off.get(figure, [])
        if on and off and all(value > 0 for value in (*on, *off)):
            ratios[figure] = compare_figure(list(zip(on, off, strict=False)))
    counts = [len(values) for part in (measured.on, measured.off) for values in part.values()]
    result = SwitchResult(
        name=switch.name,
        default=switch.default,
        price=switch.price,
        threads=switch.threads,
        positions=Positions(on=switch.on.written, off=switch.off.written),
        rounds=min(counts, default=0),
        ratios=ratios,
        measured=measured,
    )
    has_enough = result.rounds >= LEAST_ROUNDS
    return replace(result, verdict=describe_switch(result, None if has_enough else LEAST_ROUNDS))


def compare_figure(rounds):
    """Return the medians of one figure, their ratio, and what turning the switch on does.

    `rounds` holds its (on, off) in each round that both positions have ended. One round has no
    interval, so its ratio stands for both ends.
    """
    on, off = zip(*rounds, strict=True)
    found = stats.ratio_of_rounds([([one], [other]) for one, other in rounds])
    ends = (found.low, found.high) if len(rounds) > 1 else (found.value, found.value)
    ratio = Ratio(
        on=stats.median(on),
        off=stats.median(off),
        ratio=found.value,
        low=ends[0],
        high=ends[1],
    ).rounded()
    has_enough = len(rounds) >= LEAST_ROUNDS
    return replace(ratio, effect=effect(ratio) if has_enough else "")


def effect(ratio):
    """Return "less", "more", or "" where turning a switch on makes no difference that counts.

    The interval, as readers see it, must not hold 1, and the change must be worth a setting.
    """
    if not stats.Ratio(ratio.ratio, ratio.low, ratio.high).differs:
        return ""
    if abs(ratio.ratio - 1) < WORTH:
        return ""
    return "less" if ratio.ratio < 1 else "more"


def warnings(switches):
    """Return what makes these figures less reliable than they look."""
    busy = tuple(switch for switch in switches if median_of(switch, "other_cpu") > OTHERS)
    return [RunWarning("other_programs", busy, len(switches))] if busy else []


def median_of(switch, name):
    """Return the median of a measured value over both positions; 0 without values."""
    parts = switch.measured.on, switch.measured.off
    values = [value for part in parts for value in part.get(name, ())]
    return stats.median(values) if values else 0
