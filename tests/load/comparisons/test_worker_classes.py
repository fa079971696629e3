"""Test the comparison of Gunicorn's worker classes, and ASGI."""

from urllib.request import urlopen

from perflab.load.comparisons import worker_classes
from perflab.load.comparisons.worker_classes import ClassFinding
from perflab.load.gunicorn import Gunicorn
from perflab.load.model import Point, Progress
from perflab.load.verdict import RunWarning
from perflab.measure import server_timing
from tests.support.load_command import started


def point(name, per_s, **options):
    """Return the point of a class on the page that waits."""
    usual = {"scenario": "io-bound", "workers": 2, "users": 8, "requests": 100, "other_cpu": 0.0}
    usual |= {"busiest_share": 0.5, "server_cpu_ms": 2.0}
    return Point(name=name, requests_per_s=per_s, **{**usual, **options})


# What figures mean. ----------------------------------------------------------------------------


def test_the_classes_are_judged_by_what_they_answer_and_cost():
    points = [
        point("sync", 40),
        point("gthread", 100, busiest_share=0.7),
        point("asgi", 400, server_cpu_ms=3.0),
    ]

    sync, gthread, asgi = points
    assert worker_classes.judge(points) == [
        ClassFinding("most", asgi, sync, times=10),
        ClassFinding("uneven_workers", gthread),
        ClassFinding("cpu_cost", asgi, times=1.5),
    ]


def test_a_busy_machine_is_told_beside_the_classes():
    points = [point("sync", 40), point("asgi", 400, other_cpu=0.9)]

    assert worker_classes.warnings(points) == [RunWarning("other_programs", (points[1],), of=2)]


# Real runs. ------------------------------------------------------------------------------------


def test_asgi_serves_the_calibrated_pages_many_at_a_time(var, monkeypatch):
    monkeypatch.setenv("PERFLAB_VAR", str(var))
    monkeypatch.setenv("DATABASE_URL", "")
    (asgi, plan) = next(
        (tested, plan)
        for tested, plan in worker_classes.plans(1, 1, 6, duration_s=4, ms=100)
        if (tested.worker_class, plan.scenario) == ("asgi", "io-bound")
    )

    point = worker_classes.measure_class(asgi, plan, {}, Progress(), lambda progress: None)

    assert point.failures == 0
    assert point.requests_per_s > 1.5 * 10  # one at a time would be at most 10
    assert point.busiest_share == 1
    assert point.memory_mb > 10
    assert point.server_cpu_ms > 0
    assert not started(var)


def test_under_asgi_the_probe_counts_what_a_page_asks(var, monkeypatch):
    monkeypatch.setenv("PERFLAB_VAR", str(var))
    monkeypatch.setenv("DATABASE_URL", "")

    with Gunicorn(1, 1, "asgi") as server:
        address = f"{server.url}/experiments/n-plus-one/slow/?movies=5"
        with urlopen(address, timeout=60) as answer:
            timing = server_timing.read(answer.headers["Server-Timing"])

    assert timing["queries"] == 6
    assert "cpu" not in timing  # that thread's clock says nothing here
    assert "Traceback" not in server.log.read_text()
