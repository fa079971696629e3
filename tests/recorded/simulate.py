"""Simulate measurements with recorded and with made-up timings; see whether their intervals hold.

    python -m tests.recorded.simulate

It prints, for each series of each series_<name>.json and for each process of processes.py, how
often the 95 % interval held the known ratio, how wide the interval was (the median of its upper end
divided by its lower end), and how often two pages that are the same were said to differ.

The known ratio of a series is 1 where its pages are the same one, else that of the medians of the
whole series. A simulated measurement takes its rounds from the series in one of three ways:

- "spread": from anywhere in the series, in their order. That is what an interval from rounds
  claims: it tells of the time over which its rounds were spread.
- "near": one after the other, at the distances at which a real measurement would have taken them.
- "block": all pairs in one block, without any distance between the rounds.

The last two find intervals that are too narrow because neighbours are alike. They also ask too
much: where the load of other programs lasts longer than a measurement and changes the true ratio,
none can hold the ratio of the whole series. A slow page waits for the processor, and a very fast
one hardly does.
"""

import json
import random
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

from perflab.compare.rounds import seconds_of_round
from perflab.measure import stats

from .processes import PROCESSES

FOLDER = Path(__file__).parent
WAYS = ("spread", "near", "block")
RUNS = (5, 10, 20, 50)


@dataclass(frozen=True)
class Series:
    """A recorded series: pairs (first ms, last ms), and when each began.

    The even pairs began with the first page, the odd ones with the last.
    """

    file: str
    name: str
    is_same_page: bool
    other_cores: float
    pairs: tuple[tuple[float, float], ...]
    began_s: tuple[float, ...]

    @property
    def known_ratio(self):
        return 1.0 if self.is_same_page else ratio_of_medians(self.pairs)

    @property
    def drift(self):
        """Return how far its quarters' ratios are apart: the largest divided by the smallest."""
        quarter = len(self.pairs) // 4
        starts = range(0, 4 * quarter, quarter)
        ratios = [ratio_of_medians(self.pairs[start : start + quarter]) for start in starts]
        return max(ratios) / min(ratios)


def ratio_of_medians(pairs):
    firsts, lasts = zip(*pairs, strict=True)
    return stats.median(firsts) / stats.median(lasts)


def read_all():
    """Return the series of all files beside this module."""
    found = []
    for path in sorted(FOLDER.glob("series_*.json")):
        file = path.stem.removeprefix("series_")
        for one in json.loads(path.read_text())["series"]:
            began_ms, *times = zip(*one["rows"], strict=True)
            found.append(
                Series(
                    file,
                    f"{file}-{one['first']}-{one['last']}",
                    one["first"] == one["last"],
                    one["other_cores"],
                    tuple(zip(*times, strict=True)),
                    tuple(ms / 1000 for ms in began_ms),
                )
            )
    return found


def draw_rounds(series, chance, runs, way):
    """Return the rounds of a simulated measurement with so many runs of each page."""
    sizes = stats.round_sizes(runs)
    starts = {"spread": spread_starts, "near": near_starts, "block": block_starts}[way]
    rounds = []
    for start, size in zip(starts(series, sizes, chance), sizes, strict=True):
        firsts, lasts = zip(*series.pairs[start : start + size], strict=True)
        rounds.append((firsts, lasts))
    return rounds


def spread_starts(series, sizes, chance):
    """Return where each round begins. Their pairs' orders alternate as in a real measurement."""
    last = len(series.pairs) - max(sizes) - 1
    places = sorted(chance.choices(range(last), k=len(sizes)))
    turns = [sum(sizes[:number]) for number in range(len(sizes))]
    return [place + (place + turn) % 2 for place, turn in zip(places, turns, strict=True)]


def near_starts(series, sizes, chance):
    """Return the beginnings of rounds that are as many seconds apart as those of a measurement."""
    began, apart = series.began_s, seconds_of_round(sum(sizes), series.other_cores)
    last = len(series.pairs) - max(sizes)
    while True:
        starts = [chance.randrange(last)]
        for size in sizes[:-1]:
            due = bisect_left(began, began[starts[0]] + len(starts) * apart)
            start = max(due, starts[-1] + size)
            starts.append(start + (start + starts[-1] + size) % 2)
        if starts[-1] <= last:
            return starts


def block_starts(series, sizes, chance):
    """Return the beginnings of rounds that follow each other at once."""
    start = chance.randrange(len(series.pairs) - sum(sizes))
    return [start + sum(sizes[:number]) for number in range(len(sizes))]


@dataclass(frozen=True)
class Simulated:
    """The shares of the simulated measurements, and the usual width of their intervals."""

    held: float
    differed: float
    width: float


def simulate(series, count, runs=20, way="spread", factor=1.0, seed=1):
    """Return what so many simulated measurements found, the first page slowed by a factor."""
    chance = random.Random(f"{series.name} {runs} {way} {seed}")

    def measure():
        rounds = draw_rounds(series, chance, runs, way)
        return [([ms * factor for ms in first], last) for first, last in rounds]

    return judge([measure() for _ in range(count)], factor * series.known_ratio)


def simulate_process(name, count, runs=20, seed=1):
    """Return what so many simulated measurements found of a process."""
    process, known = PROCESSES[name]
    chance = random.Random(f"{name} {runs} {seed}")
    drawn = [stats.split_rounds(*process(runs, chance)) for _ in range(count)]
    return judge(drawn, known)


def judge(measurements, known):
    """Return how often the intervals of these measurements held what is known."""
    found = [stats.ratio_of_rounds(rounds) for rounds in measurements]
    return Simulated(
        held=sum(one.low <= known <= one.high for one in found) / len(found),
        differed=sum(one.differs for one in found) / len(found),
        width=stats.median([one.high / one.low for one in found]),
    )


def main():
    stats.RESAMPLES = 200  # enough to see
    titles = "".join(f"{f'{runs} runs':18}" for runs in RUNS)
    print(f"{'series':34}others  way     {titles}")
    for series in read_all():
        for way in WAYS:
            found = [simulate(series, 200, runs, way) for runs in RUNS]
            line = as_line(found, series.is_same_page)
            print(f"{series.name:34}{series.other_cores:5.2f}   {way:7} {line}", flush=True)
    for name in PROCESSES:
        found = [simulate_process(name, 200, runs) for runs in RUNS]
        print(f"{name:34}{'':8}made up {as_line(found, is_same_page=False)}", flush=True)


def as_line(found, is_same_page):
    cells = [
        f"{one.held:6.1%} ×{one.width:.2f}" + (f" {one.differed:.0%}" if is_same_page else "")
        for one in found
    ]
    return "".join(f"{cell:18}" for cell in cells)


if __name__ == "__main__":
    main()
