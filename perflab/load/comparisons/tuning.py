"""What `manage.py load --tuning` turns on and off, and what its figures mean. Pure."""

from dataclasses import dataclass
from pathlib import Path

from perflab.measure import stats

from ..verdict import OTHERS, percent

SETTINGS_OFF = Path(__file__).with_name("settings_off")
MODULE = f"{__package__}.settings_off"
LEAST_ROUNDS = 4  # below which chance alone too often puts all of one position above the other
MOST_ROUNDS = 100
WORTH = 0.03  # a change smaller than this is not worth a setting
RESTART = 100  # requests after which max_requests ends a worker: so few that rounds see it

# What each is called, and its unit. Of all of them less is better.
FIGURES = {
    "p50_ms": "p50, ms",
    "p95_ms": "p95, ms",
    "cpu_ms": "CPU of a request, ms",
    "memory_mb": "memory, MB",
    "start_cpu_s": "CPU of the start, s",
}


@dataclass(frozen=True)
class Way:
    """How Gunicorn is started for one position of a switch."""

    told: str  # as one would write it
    arguments: tuple[str, ...] = ()
    config: str | None = None
    settings: str | None = None  # Django's


@dataclass(frozen=True)
class Switch:
    """One setting, on and off, and which of the two is this lab's default."""

    name: str
    on: Way
    off: Way
    default: str  # "on" or "off"
    price: str  # what the figures cannot show
    threads: int = 1


SWITCHES = {
    switch.name: switch
    for switch in (
        Switch(
            "preload",
            Way("preload_app = True", arguments=("--preload",)),
            Way("preload_app = False"),
            default="off",
            price="a reload (HUP) finds no new code, and what is open before the fork must be "
            "closed: connections, caches' clients",
        ),
        Switch(
            "gc-freeze",
            Way("gc.freeze() after the start"),
            Way("no gc.freeze()", config=str(SETTINGS_OFF / "unfrozen.py")),
            default="on",
            price="what the start left behind is never collected",
        ),
        Switch(
            "keep-alive",
            Way("keepalive = 2", arguments=("--keep-alive", "2")),
            Way("keepalive = 0", arguments=("--keep-alive", "0")),
            default="on",
            price="a connection stays with its worker, also while another one is free",
            threads=4,  # sync workers close every connection, whatever they are told
        ),
        Switch(
            "max-requests",
            Way(
                f"max_requests = {RESTART}",
                arguments=("--max-requests", f"{RESTART}", "--max-requests-jitter", "10"),
            ),
            Way("max_requests = 0"),
            default="off",
            price="it bounds what a leak can take; without a leak it only costs",
        ),
        Switch(
            "persistent-connections",
            Way("CONN_MAX_AGE = 60"),
            Way("CONN_MAX_AGE = 0", settings=f"{MODULE}.new_connections"),
            default="on",
            price="each thread of each worker holds a connection while nobody asks",
        ),
        Switch(
            "cached-templates",
            Way("cached template loader"),
            Way(
                "no cached loader",
                settings=f"{MODULE}.uncached_templates",
            ),
            default="on",
            price="a changed template is seen after a restart",
        ),
    )
}


def names(text) -> tuple[str, ...]:
    """Switches by their names, in the table's order. Raises ValueError with one line."""
    asked = text.split(",")
    unknown = [name for name in asked if name not in SWITCHES]
    if unknown:
        raise ValueError(f"there is no switch {unknown[0][:40]!r}; there are {', '.join(SWITCHES)}")
    return tuple(name for name in SWITCHES if name in asked)


def compared(switch: Switch, on: dict, off: dict) -> dict:
    """A switch as it stands in the JSON. `on` and `off` map a figure to its value in each round."""
    ratios = {}
    for figure in FIGURES:
        pair = on.get(figure, []), off.get(figure, [])
        if all(pair) and all(value > 0 for values in pair for value in values):
            ratio = stats.ratio_of_medians(*pair)
            ratios[figure] = {
                "on": round(stats.median(pair[0]), 4),
                "off": round(stats.median(pair[1]), 4),
                "ratio": round(ratio.value, 4),
                "low": round(ratio.low, 4),
                "high": round(ratio.high, 4),
            }
            enough = min(map(len, pair)) >= LEAST_ROUNDS
            ratios[figure]["effect"] = effect(ratios[figure]) if enough else ""
    rounds = min((len(values) for position in (on, off) for values in position.values()), default=0)
    found = {
        "name": switch.name,
        "default": switch.default,
        "price": switch.price,
        "threads": switch.threads,
        "ways": {"on": switch.on.told, "off": switch.off.told},
        "rounds": rounds,
        "ratios": ratios,
        "measured": {"on": on, "off": off},
    }
    return {**found, "verdict": verdict(found)}


def effect(ratio) -> str:
    """What a ratio on ÷ off says: "less", "more", or "" where there is no difference to speak of.

    Its interval must not hold 1, and what it is off by must be worth a setting.
    """
    if ratio["high"] < 1 and ratio["ratio"] <= 1 - WORTH:
        return "less"
    if ratio["low"] > 1 and ratio["ratio"] >= 1 + WORTH:
        return "more"
    return ""


def verdict(found) -> str:
    """What turning a switch on did here, and which position is the default, in a sentence."""
    default = f"{found['name']}: {{}}; {found['default']} by default."
    if found["rounds"] < LEAST_ROUNDS:
        return default.format(f"too few rounds to tell (at least {LEAST_ROUNDS})")
    told = {"less": [], "more": []}
    for figure, ratio in found["ratios"].items():
        if direction := ratio["effect"]:
            change = percent(abs(ratio["ratio"] - 1))
            told[direction].append(f"{FIGURES[figure].partition(',')[0]} {change} {direction}")
    if not any(told.values()):
        return default.format("no measurable difference")
    parts = [
        f"{word} {', '.join(changes)}"
        for word, changes in (("on it gains", told["less"]), ("on it costs", told["more"]))
        if changes
    ]
    return default.format(" and ".join(parts).replace("and on it costs", "and costs"))


def doubts(switches) -> list[str]:
    """What makes these figures less than they look, each in one line."""
    busy = [found for found in switches if median_of(found, "other_cpu") > OTHERS]
    return (
        [
            "other programs, a database and a cache among them, used the machine's cores as well "
            f"({len(busy)} of {len(switches)} switches)"
        ]
        if busy
        else []
    )


def median_of(found, name) -> float:
    """The median of one of a switch's measured values over both positions; 0 of none."""
    values = [value for position in found["measured"].values() for value in position.get(name, ())]
    return stats.median(values) if values else 0
