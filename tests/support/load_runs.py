"""Make load runs as `manage.py load` keeps them, and read their drawings."""

import json
import random
from datetime import UTC, datetime
from xml.etree import ElementTree

from perflab.load import model
from perflab.load.model import Point, Run
from tests.support.labs import ROOT

SVG = "{http://www.w3.org/2000/svg}"


def point(per_s, **options):
    """Return a point with 50 ms to a request and a theory of 20/s for each worker."""
    usual = {"workers": 1, "threads": 1, "worker_class": "sync", "users": 8, "requests": 100}
    usual |= {"p50_ms": 50, "p95_ms": 60, "p99_ms": 70}
    usual |= {"expected_per_s": 20 * options.get("workers", 1)}
    return Point(requests_per_s=per_s, **{**usual, **options})


def run_of(*points, **options):
    """Return a run as `manage.py load` keeps it."""
    usual = {
        "id": "20260101-120000-io-bound-1",
        "date": datetime(2026, 1, 1, 12, tzinfo=UTC),
        "state": "done",
        "command": "manage.py load io-bound --workers 1,2,4",
        "scenario": "io-bound",
        "verdict": "I/O-bound: throughput still rises at 4 workers.",
    }
    return Run(points=list(points), **{**usual, **options})


WORKERS = [point(19, workers=1), point(39, workers=2), point(77, workers=4)]


def heights(svg, css):
    """Return the y of each mark of a line in a drawing."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}circle")
    return [float(mark.get("cy")) for mark in found if mark.get("class") == f"dot {css}"]


AUTOSCALE = json.loads((ROOT / "tests/recorded/autoscale.json").read_text())


def full_run(kind="load"):
    """Return a run in which every part of its kind is there."""
    cost = model.RequestCost(latency_ms=51, service_ms=50, cpu_ms=1, kind="I/O-bound")
    opened = model.OpenLoop(per_s=40, seconds=4, requests=160, answered_per_s=39.9, p95_ms=800)
    ratio = model.Ratio(on=8, off=10, ratio=0.8, low=0.7, high=0.9, effect="less")
    run = run_of(
        *WORKERS,
        point(80, workers=8, variant="fast", little_error=-0.1, open=opened, said="It held."),
        kind=kind,
        machine=model.Machine(cpu="a processor", cores=2, system="Linux x86_64"),
        lab=model.LabDescription(database="SQLite 3", rows={"Movie": 1851}, cache="locmem"),
        knobs={"ms": 50, "movies": "10"},
        costs={"all": cost},
        warnings=["it was busy"],
        progress=model.Progress(number=2, of=4, users=8),
    )
    if kind == "tuning":
        measured = model.Rounds(on={"p50_ms": [8.0]}, off={"p50_ms": [10.0]})
        switch = model.SwitchResult(name="preload", ratios={"p50_ms": ratio}, measured=measured)
        run.path, run.workers, run.users, run.rounds = "/a/page/", 2, 1, 6
        run.switches = [switch]
    return run


STRANGE = (
    *(None, True, 0, -1, 7, 1e-300, 1e300, 10**400, float("nan"), float("-inf")),
    *("", "x", "<b>", "slow", [], [[]], [{}], ["x", 1], {}, {"x": {}}, {"p95_ms": "x"}),
)


def spoiled(value, chance, rate=0.08):
    """Return a copy of JSON in which some parts, by chance, are something else or missing."""
    if chance.random() < rate:
        return chance.choice(STRANGE)
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if chance.random() > rate / 2}
        return {name: spoiled(item, chance) for name, item in kept.items()}
    if isinstance(value, list):
        return [spoiled(item, chance) for item in value]
    return value


def spoiled_documents(count):
    """Yield documents of all kinds in which something is wrong; each can be made again."""
    kinds = [full_run(kind).to_json() for kind in ("load", "classes", "tuning")] + [AUTOSCALE]
    for seed in range(count):
        chance = random.Random(seed)
        document = spoiled(chance.choice(kinds), chance)
        if isinstance(document, dict):
            yield {**document, "version": chance.choice((1, 2)), "id": "20260202-strange"}
