"""Test the order of the runs, and what the garbage collector skips meanwhile."""

import gc

import pytest

from perflab.compare import runner
from perflab.compare.clients import InProcess
from tests.support.measure_command import QUICK, measure

in_process = pytest.mark.django_db


# What it finds.


@pytest.mark.parametrize("count", [2, 3, 4])
def test_each_variant_comes_first_as_often_as_any_other(count):
    variants = list("abcd"[:count])

    rounds = [runner.order_of_round(variants, number) for number in range(count * 2)]

    assert all(sorted(one) == variants for one in rounds)
    for place in range(count):
        assert sorted(one[place] for one in rounds) == sorted(variants * 2)


# That it measures truly.


@in_process
def test_the_collector_skips_what_was_there_before_the_runs_and_only_then():
    frozen = []
    client = InProcess()
    experiment = runner.read_catalogue(client)["experiments"][0]

    try:
        runner.measure_experiment(
            client,
            experiment,
            {"movies": 2},
            5,
            False,
            lambda: frozen.append(gc.get_freeze_count()),
        )
    finally:
        gc.unfreeze()
    measure("n-plus-one", *QUICK)

    assert len(frozen) == 10
    assert min(frozen) > 10_000
    assert gc.get_freeze_count() == 0
