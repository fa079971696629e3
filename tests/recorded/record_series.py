"""Record what real pages take, again and again, for the tests of the statistics.

    python -m tests.recorded.record_series quiet
    python -m tests.recorded.record_series busy --loops 2

It starts a lab of its own with two workers and writes series_<name>.json beside this file. A series
is a pair of pages, asked for as `compare/rounds.py` asks: first one and the other, then the other
and the first. Two pages that are the same one make a series whose true ratio is 1. The pairs come
in groups, and each group begins with a pair that is not recorded, because the processor may have
slept before. `tests/measure/test_intervals.py` draws simulated measurements from these files, from
as many as there are.

Run it while the machine does nothing else, or with the programs at work that you want to know about
(`--loops 2` starts two busy loops for as long as it records).
"""

import argparse
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, sleep

import psutil

from perflab.measure import machine
from tests.support.labs import Lab, SeededDatabase

FOLDER = Path(__file__).parent
PAGES = {
    "slow": "/experiments/n-plus-one/slow/?movies=100",
    "fast": "/experiments/n-plus-one/fast/?movies=100",
    "cached": "/experiments/cache-page/fast/?movies=100",
    "thousand": "/experiments/n-plus-one/fast/?movies=1000",
    "hundred-thirty": "/experiments/n-plus-one/fast/?movies=130",
}
SERIES = (
    *(("slow", "slow"), ("fast", "fast"), ("cached", "cached"), ("thousand", "thousand")),
    *(("slow", "fast"), ("slow", "cached"), ("thousand", "fast"), ("hundred-thirty", "fast")),
)
WARM_UP = 15  # pairs, so that both workers have answered
GROUP = 4  # pairs that follow each other at once
GROUP_S = 0.1  # from the beginning of one group to the next, at least
BUSY_LOOP = (sys.executable, "-c", "while True: pass")


def record(lab, first, last, groups):
    """Return a series: the pages, the cores that others kept busy, and a row for each pair.

    A row holds when the pair began, in ms, and the ms of the first page and of the last.
    """
    own = [psutil.Process(pid) for pid in (os.getpid(), lab.process.pid, *lab.worker_pids())]

    def ask_pair(number):
        order = (first, last) if number % 2 == 0 else (last, first)
        found = [lab.get(PAGES[name]).timing["total"] for name in order]
        return found if number % 2 == 0 else found[::-1]

    def used_by_others_s():
        return machine.machine_busy_cpu_s() - sum(sum(one.cpu_times()[:2]) for one in own)

    for number in range(WARM_UP):
        ask_pair(number)
    rows = []
    began, used_before_s = perf_counter(), used_by_others_s()
    for group in range(groups):
        group_began = perf_counter()
        ask_pair(group)
        for number in range(GROUP):
            at_ms = round(1000 * (perf_counter() - began))
            rows.append([at_ms, *(float(f"{ms:.4g}") for ms in ask_pair(number))])
        sleep(max(0, group_began + GROUP_S - perf_counter()))
    others = (used_by_others_s() - used_before_s) / (perf_counter() - began)
    return {"first": first, "last": last, "other_cores": round(max(0, others), 2), "rows": rows}


def as_text(recorded):
    """Return the JSON with one group on a line."""
    parts = []
    for one in recorded.pop("series"):
        rows = one.pop("rows")
        lines = [
            ",".join(json.dumps(row, separators=(",", ":")) for row in rows[at : at + GROUP])
            for at in range(0, len(rows), GROUP)
        ]
        parts.append(json.dumps(one)[:-1] + ', "rows": [\n' + ",\n".join(lines) + "]}")
    return json.dumps(recorded)[:-1] + ', "series": [\n' + ",\n".join(parts) + "]}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="of the file: series_NAME.json")
    parser.add_argument("--groups", type=int, default=150, help="of 4 pairs, a series (150)")
    parser.add_argument("--loops", type=int, default=0, help="busy loops beside it (0)")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder (beside this module)")
    options = parser.parse_args()
    series = []
    database = SeededDatabase()
    with ExitStack() as stack:
        stack.callback(database.remove)
        lab = stack.enter_context(Lab(database, workers=2, PERFLAB_TOOLBAR="0"))
        for _ in range(options.loops):
            loop = subprocess.Popen(BUSY_LOOP)
            stack.callback(loop.wait)
            stack.callback(loop.kill)
        for first, last in SERIES:
            series.append(record(lab, first, last, options.groups))
            print(f"{first} and {last}: others {series[-1]['other_cores']} cores", flush=True)
    text = as_text(
        {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine.describe_machine(),
            "loops": options.loops,
            "group": GROUP,
            "series": series,
        }
    )
    (options.to / f"series_{options.name}.json").write_text(text)


if __name__ == "__main__":
    main()
