"""Test the scenarios that a load run can play."""

from perflab.load import plan, scenarios
from tests.support.labs import ROOT


def test_every_scenario_is_a_file_and_every_file_a_scenario():
    helpers = {path.name for path in scenarios.FOLDER.glob("_*.py")}
    files = {path.name for path in (ROOT / "locustfiles").glob("*.py")} - helpers

    assert {f"{name.replace('-', '_')}.py" for name in scenarios.names()} == files
    assert {"browse", "slow", "fast", "duel", *scenarios.CALIBRATED} <= set(scenarios.names())


def test_the_variants_of_an_experiment_are_two_targets_with_an_address_each():
    both = plan.Plan("n-plus-one", variants=("slow", "fast"), knobs={"movies": "10"})

    slow, fast = scenarios.targets(both)

    assert (slow.path, fast.path) == (
        "/experiments/n-plus-one/slow/?movies=10",
        "/experiments/n-plus-one/fast/?movies=10",
    )
    assert [target.locustfile.rpartition("/")[2] for target in (slow, fast)] == [
        "slow.py",
        "fast.py",
    ]
    assert slow.options == fast.options == ("--movies", "10", "--experiment", "n-plus-one")


def test_a_calibrated_page_is_one_address_that_the_lab_has(client):
    (target,) = scenarios.targets(plan.Plan("io-bound", ms=5))

    assert target.path == "/io-bound/?ms=5"
    assert target.options == ("--ms", "5")
    assert client.get(target.path).status_code == 200


def test_each_variant_has_a_point_for_every_combination_of_workers_threads_and_users():
    both = plan.Plan("n-plus-one", ("slow", "fast"), users=(1, 2), workers=(1, 4), threads=(1, 2))

    setups = scenarios.point_setups(both)

    assert [(s.target.variant, s.threads, s.workers, s.users) for s in setups] == [
        (variant, threads, workers, users)
        for variant in ("slow", "fast")
        for threads in (1, 2)
        for workers in (1, 4)
        for users in (1, 2)
    ]
