"""Simulate measurements with recorded pages, and see whether their intervals hold what is known.

    python -m tests.recorded.simulate

It prints, for each series of each series_<name>.json, how often the 95 % interval held the known
ratio, how often two pages that are the same were said to differ, and how wide the interval was: the
median of its upper end divided by its lower end.

The known ratio is 1 where a series' pages are the same one. Otherwise it is that of the medians of
the whole series. A simulated measurement takes its rounds from the series in one of two ways:

- "spread": from anywhere in the series, in their order. That is what an interval from rounds
  claims: it tells of the time over which its rounds were spread.
- "near": one after the other, at the distances at which a real measurement would have taken them.
  This finds intervals that are too narrow because neighbours are alike. Where the load of other
  programs lasts longer than a measurement and changes the true ratio, none can hold the ratio of
  the whole series: a slow page waits for the processor, and a very fast one hardly does.
"""

import json
import random
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

from perflab.compare.runner import seconds_of_round
from perflab.measure import stats

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Series:
    """A recorded series: groups of pairs (first ms, last ms), and when each group began."""

    name: str
    is_same_page: bool
    other_cores: float
    groups: tuple[tuple[tuple[float, float], ...], ...]
    began_s: tuple[float, ...]

    @property
    def known_ratio(self):
        if self.is_same_page:
            return 1.0
        pairs = [pair for group in self.groups for pair in group]
        firsts, lasts = zip(*pairs, strict=True)
        return stats.median(firsts) / stats.median(lasts)


def read_all():
    """Return the series of all files beside this module."""
    found = []
    for path in sorted(FOLDER.glob("series_*.json")):
        recorded = json.loads(path.read_text())
        size = recorded["group"]
        for one in recorded["series"]:
            rows = one["rows"]
            groups = [rows[at : at + size] for at in range(0, len(rows), size)]
            found.append(
                Series(
                    f"{path.stem.removeprefix('series_')}-{one['first']}-{one['last']}",
                    one["first"] == one["last"],
                    one["other_cores"],
                    tuple(tuple((first, last) for _, first, last in group) for group in groups),
                    tuple(group[0][0] / 1000 for group in groups),
                )
            )
    return found


def draw_rounds(series, chance, runs, way, rounds=stats.ROUNDS):
    """Return the rounds of a simulated measurement with so many runs of each page."""
    groups, began = series.groups, series.began_s
    if way == "spread":
        places = sorted(chance.choices(range(len(groups)), k=rounds))
    else:
        apart = seconds_of_round(runs, series.other_cores) * stats.ROUNDS / rounds
        places = near_places(began, apart, rounds, chance)
    pairs = [groups[place][: runs // rounds] for place in places]
    return [([first for first, _ in one], [last for _, last in one]) for one in pairs]


def near_places(began, apart, rounds, chance):
    """Return the groups of rounds that begin at least so many seconds apart, from any group on."""
    while True:
        places = [chance.randrange(len(began))]
        while len(places) < rounds and places[-1] < len(began):
            due = bisect_left(began, began[places[0]] + len(places) * apart)
            places.append(max(due, places[-1] + 1))
        if places[-1] < len(began):
            return places


@dataclass(frozen=True)
class Simulated:
    """The shares of the simulated measurements, and the usual width of their intervals."""

    held: float
    differed: float
    width: float


def simulate(series, count, runs=40, way="spread", rounds=stats.ROUNDS, factor=1.0, seed=1):
    """Return what so many simulated measurements found, the first page slowed by a factor."""
    chance = random.Random(f"{series.name} {seed}")
    found = [
        stats.ratio_of_rounds(
            [
                ([ms * factor for ms in first], last)
                for first, last in draw_rounds(series, chance, runs, way, rounds)
            ]
        )
        for _ in range(count)
    ]
    known = factor * series.known_ratio
    return Simulated(
        held=sum(one.low <= known <= one.high for one in found) / count,
        differed=sum(one.differs for one in found) / count,
        width=stats.median([one.high / one.low for one in found]),
    )


def main():
    stats.RESAMPLES = 200  # enough to see
    print(f"{'series':34}others  way      40 runs      20 runs      20 runs in 5 rounds")
    for series in read_all():
        for way in ("spread", "near"):
            cells = []
            for runs, rounds in ((40, 10), (20, 10), (20, 5)):
                if way == "near" and len(series.groups) < 3 * rounds:
                    continue
                found = simulate(series, 200, runs, way, rounds)
                text = f"{found.held:5.1%} ×{found.width:.2f}"
                cells.append(text + (f" {found.differed:.0%}" if series.is_same_page else ""))
            line = "  ".join(f"{cell:16}" for cell in cells)
            print(f"{series.name:34}{series.other_cores:5.2f}   {way:7}  {line}", flush=True)


if __name__ == "__main__":
    main()
