"""Test short real load runs, also interrupted and killed ones.

They prove that all is counted and ended; how fast this machine is they do not judge."""

import json
import signal

import pytest

from perflab.load.model import Run
from perflab.load.tables import as_text
from tests.support import services
from tests.support.broken_lab import BrokenLab
from tests.support.labs import ROOT
from tests.support.load_command import command, kept, refusal, started
from tests.support.services import undisturbed, wait_until


def test_a_run_measures_each_point_and_what_theory_expects_of_it(var, tmp_path):
    saved = tmp_path / "run.json"
    line = f"load io-bound --ms 20 --workers 1,2 --users 6 --duration 1s --json {saved}"

    def measure():
        process = command(var, line)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        return output, json.loads(saved.read_text())

    def holds(found):
        return all(abs(point["little_error"]) < 0.3 for point in found[1]["points"])

    output, run = undisturbed(measure, holds)

    assert run == kept(var)
    assert run["version"] == 2
    assert run["state"] == "done"
    assert (run["scenario"], run["generator"]) == ("io-bound", "locust")
    assert set(run["machine"]) == {"cpu", "cores", "system"}
    assert run["lab"]["database"].startswith("SQLite")
    assert run["lab"]["toolbar"] is False
    assert run["lab"]["rows"]["Movie"] == 1851
    assert run["knobs"] == {"ms": 20}
    assert run["alone"]["all"]["service_ms"] >= 20
    assert run["alone"]["all"]["kind"] != "CPU-bound"
    one, two = run["points"]
    assert set(one) >= {
        *("workers", "threads", "worker_class", "users", "requests", "failures", "requests_per_s"),
        *("p50_ms", "p95_ms", "p99_ms", "expected_per_s", "server_cpu", "generator_cpu"),
        *("generator_bound", "little_users", "little_error"),
    }
    assert [(p["workers"], p["threads"], p["worker_class"]) for p in (one, two)] == [
        (1, 1, "sync"),
        (2, 1, "sync"),
    ]
    assert one["expected_per_s"] == pytest.approx(1000 / run["alone"]["all"]["service_ms"], 0.01)
    assert two["expected_per_s"] > 1.5 * one["expected_per_s"]
    for found in (one, two):
        assert found["failures"] == 0
        assert found["requests"] > 0
        assert found["requests_per_s"] <= found["workers"] * 1000 / 20  # it cannot be done faster
        assert 20 <= found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"]
        assert found["p50_ms"] > 40  # six users at two workers: they wait for each other
        assert 0 < found["server_cpu"] < run["machine"]["cores"] + 0.2
        assert abs(found["little_error"]) < 0.3
    assert as_text(Run.from_json(run)) in output
    docs = (ROOT / "docs/do-more.md").read_text()
    names = {*run, *one, "queued_ms", "service_ms"} - {"version"}
    assert {name for name in names if f"`{name}`" not in docs} == set()
    assert run["verdict"]
    assert f"Kept in {var / 'runs'}" in output
    assert not started(var)
    assert not list((var / "run").iterdir())  # no control socket stays


def measured_while(var, line, disturb):
    """Start a run, disturb it while its first point is measured; what is kept of it in the end."""
    process = command(var, line)

    def is_measured():
        now = kept(var).get("now", {})
        return process.poll() is not None or now.get("seconds", 0) > 0.3

    wait_until(is_measured, "the measurement", 120)
    disturb()
    _, errors = process.communicate(timeout=300)
    assert process.returncode in (0, 1), errors
    return kept(var)


def test_a_worker_that_is_replaced_during_a_point_leaves_no_verdict(var):
    def replace_a_worker():
        gunicorn = [one for one in started(var) if "gunicorn" in " ".join(one.cmdline())]
        (master,) = [one for one in gunicorn if one.parent() not in gunicorn]
        master.children()[0].terminate()

    run = measured_while(
        var, "load io-bound --ms 5 --workers 2 --users 2 --duration 5s", replace_a_worker
    )

    assert run["points"][0]["workers_changed"] == 2  # one went, and another one came
    assert "ot judged, because 2 workers came or went" in run["verdict"]


def test_a_cache_that_freezes_during_a_point_leaves_no_verdict(var, own, monkeypatch):
    server = own(services.Redis)
    monkeypatch.setenv("REDIS_URL", server.url)

    run = measured_while(
        var, "load cache-page --movies 10 --workers 2 --users 2 --duration 5s --fast", server.freeze
    )

    assert run["points"][0]["cache_errors"] > 0
    assert "ot judged, because the cache did not answer" in run["verdict"]


def test_a_run_that_is_interrupted_ends_all_and_keeps_what_it_has(var):
    process = command(var, "load io-bound --ms 5 --workers 1,2 --users 2 --duration 4s")

    def second_is_measured():
        now = kept(var).get("now", {})
        return process.poll() is not None or (
            now.get("number") == 2 and now.get("seconds", 0) > 0.4
        )

    wait_until(second_is_measured, "the second point")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)

    run = kept(var)
    assert process.returncode == 130, errors
    assert run["state"] == "interrupted"
    assert "now" not in run
    assert [found.get("partial", False) for found in run["points"]] == [False, True]
    assert run["points"][1]["requests"] > 0
    assert run["points"][1]["duration_s"] < 4
    assert "* not measured to its end" in output
    assert "Traceback" not in output + errors
    assert not started(var)


def test_a_run_that_is_killed_leaves_nothing_behind(var):
    process = command(var, "load io-bound --ms 5 --workers 2 --users 2 --duration 60s")
    try:
        wait_until(lambda: len(started(var)) >= 3, "Gunicorn and its workers")
    finally:
        process.kill()
        process.communicate()

    wait_until(lambda: not started(var), "the end of all")


@pytest.mark.usefixtures("may_start_servers")
def test_answers_that_fail_are_counted_and_end_with_status_one(broken_lab, tmp_path):
    saved = tmp_path / "run.json"
    options = ("--users", "2", "--duration", "1s", f"--json={saved}", "--movies", "3")

    line = refusal(1, "fast", "--host", broken_lab.url, *options)

    (found,) = json.loads(saved.read_text())["points"]
    assert line == "answers failed"
    assert 0 < found["failures"] < found["requests"]


class OldLab(BrokenLab):
    """From before there were calibrated pages."""

    def do_GET(self):
        return super().do_GET() if "experiments" in self.path else self.send_error(404)


@pytest.mark.usefixtures("may_start_servers")
def test_a_calibrated_page_that_a_lab_does_not_have_is_told(broken_lab, monkeypatch):
    monkeypatch.setattr(broken_lab, "RequestHandlerClass", OldLab)

    line = refusal(2, "io-bound", "--host", broken_lab.url)

    assert line == f"the lab at {broken_lab.url} has no page /io-bound/?ms=50"
