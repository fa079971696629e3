"""Test the comparison of Gunicorn's worker classes, and ASGI."""

from urllib.request import urlopen

from perflab.load.comparisons import classes
from perflab.load.gunicorn import Gunicorn
from perflab.measure import server_timing
from tests.support.load_command import started


def point(name, per_s, page="io-bound", **more):
    base = {"scenario": page, "name": name, "workers": 2, "requests": 100, "failures": 0}
    base |= {"requests_per_s": per_s, "busiest_share": 0.5, "server_cpu_ms": 2.0}
    return base | {"generator_bound": False, "other_cpu": 0.0} | more


# What figures mean. ----------------------------------------------------------------------------


def test_the_classes_are_told_with_what_they_cost():
    points = [
        point("sync", 40),
        point("gthread", 100, busiest_share=0.7),
        point("asgi", 400, server_cpu_ms=3.0),
    ]

    assert classes.verdict(points) == (
        "io-bound: asgi answers most, 400.0 requests/s, 10.0 times as many as sync on 2 workers "
        "each. gthread on io-bound: one of 2 workers did 70 % of the work. asgi computes 3.0 ms "
        "for a request that only waits, 1.5 times what sync does."
    )


def test_a_busy_machine_is_told_beside_the_classes():
    points = [point("sync", 40), point("asgi", 400, other_cpu=0.9)]

    assert classes.doubts(points) == [
        "other programs used the machine's cores as well (1 of 2 points)"
    ]


# Real runs. ------------------------------------------------------------------------------------


def test_asgi_serves_the_calibrated_pages_many_at_a_time(var, monkeypatch):
    monkeypatch.setenv("PERFLAB_VAR", str(var))
    monkeypatch.setenv("DATABASE_URL", "")
    contender = next(c for c in classes.CONTENDERS if c.worker_class == "asgi")
    (wish,) = [
        asked
        for who, asked in classes.plans(1, 1, 6, duration_s=1, ms=100)
        if who is contender and asked.scenario == "io-bound"
    ]

    point = classes.measured(contender, wish, {}, lambda phase, window=None: None)

    assert point["failures"] == 0
    assert point["requests_per_s"] > 1.5 * 10  # one at a time would be at most 10
    assert point["busiest_share"] == 1
    assert point["memory_mb"] > 10
    assert point["server_cpu_ms"] > 0
    assert not started(var)


def test_under_asgi_the_probe_counts_what_a_page_asks(var, monkeypatch):
    monkeypatch.setenv("PERFLAB_VAR", str(var))
    monkeypatch.setenv("DATABASE_URL", "")

    with Gunicorn(1, 1, "asgi") as server:
        address = f"{server.url}/experiments/n-plus-one/slow/?movies=5"
        with urlopen(address, timeout=20) as answer:
            timing = server_timing.read(answer.headers["Server-Timing"])

    assert timing["queries"] == 6
    assert "cpu" not in timing  # that thread's clock says nothing here
    assert "Traceback" not in server.log.read_text()
