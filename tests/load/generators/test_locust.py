"""Test load runs in which Locust asks."""

import json
import re

import psutil
import pytest

from perflab.load.generators import locust
from tests.support.load_command import load, started
from tests.support.services import undisturbed


def test_visitors_who_think_fulfil_littles_law_too(lab, tmp_path):
    saved = tmp_path / "run.json"

    def measure():
        load("browse", "--host", lab.url, "--users", "10", "--duration", "3s", f"--json={saved}")
        return json.loads(saved.read_text())["points"]

    (found,) = undisturbed(measure, lambda points: 5 < points[0]["little_users"] < 15)

    assert found["think_ms"] > 500
    assert found["limit"] == "users"
    assert found["little_users"] == pytest.approx(10, rel=0.5)


def test_locusts_workers_ask_and_what_they_count_is_put_together(lab, tmp_path, monkeypatch):
    saved = tmp_path / "run.json"
    page = ("io-bound", "--ms", "5", "--host", lab.url, "--users", "4", "--duration", "2s")
    processes, counts = [], []
    spawn, start = locust.spawn, locust.Meter.start

    def spawned(*arguments, **options):
        processes.append(spawn(*arguments, **options))
        return processes[-1]

    def started_to_measure(meter):
        running = [process for process in processes if process.poll() is None]
        counts.extend(len(psutil.Process(process.pid).children()) for process in running)
        start(meter)

    monkeypatch.setattr(locust, "spawn", spawned)
    monkeypatch.setattr(locust.Meter, "start", started_to_measure)

    def measure():
        """Return the run, its point, and how many requests the lab has logged meanwhile."""
        before = lab.log_text().count("GET /io-bound/?ms=5 ")
        load(*page, "--load-workers", "2", f"--json={saved}")
        run = json.loads(saved.read_text())
        (found,) = run["points"]
        return run, found, lab.log_text().count("GET /io-bound/?ms=5 ") - before

    run, found, asked = undisturbed(measure, lambda found: abs(found[1]["little_error"]) < 0.2)

    assert run["load_workers"] == 2
    assert set(counts) == {2}  # beside the master
    assert found["users_mean"] == 4
    assert found["failures"] == 0
    assert 20 < found["requests"] < asked  # there was one user alone before, and a warm-up
    assert found["p50_ms"] >= 5
    assert abs(found["little_error"]) < 0.2  # no process's requests are missing
    assert run["alone"]["all"]["latency_ms"] >= 5
    assert not started()


def test_a_scenario_that_ends_by_itself_says_so_in_the_verdict(lab, tmp_path):
    saved = tmp_path / "run.json"
    page = ("--experiment", "n-plus-one", "--movies", "10", "--users", "2", "--host", lab.url)

    load("soak", *page, "--duration", "3s", "--load-workers", "2", f"--json={saved}")

    run = json.loads(saved.read_text())
    (found,) = run["points"]
    served = r"2 users \([\d.]+ requests/s, p95 \d+ ms, 0.0% failures\)"
    line = rf"The lab .+: it began with {served} and ended with {served}\."
    assert re.fullmatch(line, found["said"])
    assert found["said"] in run["verdict"]
    assert found["requests"] > 20
    assert 1 < found["duration_s"] < 10  # the users come later on a busy machine
