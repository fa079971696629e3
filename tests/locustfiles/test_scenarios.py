"""Test the load scenarios, run as their readers run them: real Locust processes against a real lab.

Locust patches the standard library on import, so nothing here imports it or a locustfile."""

import contextlib
import re
import shlex

import pytest

from tests.support.copied_commands import commands
from tests.support.labs import ROOT
from tests.support.locust_runs import (
    RUN_S,
    Run,
    listening,
    load,
    locust,
    measure_long_enough,
    run,
    slugs,
)
from tests.support.services import free_port, wait_until


@pytest.mark.usefixtures("may_start_servers")
def test_the_commands_in_the_docs_name_real_scenarios_and_options():
    docs = (ROOT / "docs/load.md").read_text()
    found = re.findall(r"^\.venv/bin/locust -f locustfiles/(\w+)\.py (.+)$", docs, re.MULTILINE)
    names = ["slow", "fast", "duel", "browse", "steps", "spike", "soak", "stampede"]
    assert {name for name, _ in found} == set(names)

    with contextlib.ExitStack() as started:  # --list ends a run once its options are understood
        lists = [
            (name, started.enter_context(locust(name, *shlex.split(options), "--list")))
            for name, options in found
        ]
        ends = [(name, process.communicate(timeout=RUN_S), process) for name, process in lists]

    for name, (output, log), process in ends:
        assert process.returncode == 0, f"{name}: {log}"
        assert output.startswith("Available Users:")


def test_slow_and_fast_load_every_experiment_under_the_same_names(lab):
    def load_both(seconds):
        headless = ("--headless", "--json", "--only-summary", *load(lab, seconds=seconds))
        with locust("slow", *headless) as one, locust("fast", *headless) as other:
            return Run(one), Run(other)

    slow, fast = measure_long_enough(
        load_both, lambda runs: all(run.counts.keys() == slugs(lab) for run in runs)
    )

    assert slow.counts.keys() == fast.counts.keys() == slugs(lab)
    assert not slow.failed
    assert not fast.failed
    assert slow.status == fast.status == 0


def test_the_duel_on_an_experiments_page_runs_as_it_stands(lab):
    command = commands(lab, ".venv/bin/locust")[0].replace("--run-time 20s", "--run-time 3s")
    program, dash_f, path, *options = shlex.split(command)
    assert (program, dash_f, path) == (".venv/bin/locust", "-f", "locustfiles/duel.py")

    duel = run("duel", *options, "--json")

    assert duel.status == 0, duel.log
    assert duel.counts.keys() == {"n-plus-one slow", "n-plus-one fast"}
    assert not duel.failed


def test_a_duel_takes_both_variants_of_every_experiment_in_turn(lab):
    both = {f"{s} {variant}" for s in slugs(lab) for variant in ("slow", "fast")}

    duel = measure_long_enough(
        lambda seconds: run("duel", *load(lab, seconds=seconds)),
        lambda run: run.counts.keys() == both,
    )

    assert duel.status == 0, duel.log
    assert duel.counts.keys() == both
    assert not duel.failed
    for slug in slugs(lab):  # each user may be between two variants when the time is up
        assert abs(duel.counts[f"{slug} slow"] - duel.counts[f"{slug} fast"]) <= 4


def test_visitors_find_their_way_by_the_links_in_the_pages(lab):
    """They give no number of rows: then each experiment has that of its lesson."""
    visits = run("browse", *load(lab, "--think-time", "0.05", users=6, seconds=8, rows=None))

    assert visits.counts.keys() == {
        *("/", "/experiments/[slug]/", "/experiments/[slug]/[variant]/"),
        *("/films/", "/films/?page=", "/films/?q=", "/films/[id]/", "/directors/[id]/"),
    }
    assert not visits.failed
    assert visits.status == 0


def test_scenarios_run_over_several_processes_that_meet_on_loopback(lab):
    port = free_port()
    meet = ("--processes", "2", "--master-bind-port", f"{port}", "--master-port", f"{port}")

    def load_with_two_processes(seconds):
        options = load(lab, *meet, seconds=seconds)
        with locust("slow", "--headless", "--json", *options) as process:
            wait_until(lambda: listening(process), "the master to listen")
            return listening(process), Run(process)

    addresses, slow = measure_long_enough(
        load_with_two_processes, lambda result: result[1].counts.keys() == slugs(lab)
    )

    assert addresses == {("127.0.0.1", port)}
    assert slow.status == 0, slow.log
    assert slow.counts.keys() == slugs(lab)
    assert not slow.failed


def test_steps_stop_by_themselves_and_tell_the_load(lab):
    page = (
        "--experiment",
        "n-plus-one",
        "--variant",
        "slow",
        "--movies",
        "10",
        "--round-trip",
        "5",
    )
    steps = ("--step-users", "4", "--step-time", "1", "--users", "200")

    stepped = run("steps", "--host", lab.url, *page, *steps)

    line = stepped.log.splitlines()[-1]
    found = re.fullmatch(
        r"The lab is overloaded at (\d+) users "
        r"\(([\d.]+) requests/s, p95 (\d+) ms, 0.0% failures\); "
        r"it began with 4 users \(([\d.]+) requests/s, p95 (\d+) ms, 0.0% failures\).",
        line,
    )
    assert found, stepped.log
    users, rate, p95, first_rate, first_p95 = map(float, found.groups())
    assert 4 < users < 200
    assert users % 4 == 0
    assert p95 > 4 * first_p95
    assert rate > 0
    assert first_rate > 0
    assert set(stepped.counts) == {"n-plus-one"}
    assert stepped.status == 0


def test_steps_end_at_the_ceiling_when_the_lab_holds(lab):
    page = ("--experiment", "cache-page", "--movies", "10")
    steps = ("--step-users", "1", "--step-time", "1", "--users", "2")

    stepped = run("steps", "--host", lab.url, *page, *steps)

    assert "The lab is not overloaded at the most users, 2 users (" in stepped.log.splitlines()[-1]
    assert stepped.status == 0


def test_a_spike_is_compared_with_the_calm_before_and_after_it(lab):
    page = ("--experiment", "n-plus-one", "--movies", "10", "--variant", "slow")

    spike = run("spike", "--host", lab.url, *page, "--users", "20", "--length", "6")

    served = r"\(([\d.]+) requests/s, p95 (\d+) ms, 0.0% failures\)"
    parts = (
        rf"Before the spike: 2 users {served}; during it: 20 users {served}; "
        rf"after it, with the queue that it left: 2 users {served}\. The lab had "
    )
    found = re.match(parts, spike.log.splitlines()[-1])
    assert found, spike.log
    calm_p95, spike_p95 = map(int, found.group(2, 4))
    assert spike_p95 > 2 * calm_p95
    assert spike.status == 0


def test_a_stampede_tells_who_computed_the_page_from_who_found_it(lab):
    stampede = run("stampede", *load(lab, "--turn-time", "1", seconds=5))

    assert stampede.status == 0, stampede.log
    assert stampede.counts.keys() == {
        f"{variant}, {how}"
        for variant in ("plain", "locked", "stale")
        for how in ("computed", "from the cache")
    }
    assert not stampede.failed
    assert stampede.counts["stale, computed"] < stampede.counts["stale, from the cache"]
