"""Test the order of the runs, and what the garbage collector skips meanwhile."""

import gc
import re

import pytest

from perflab.compare import runner
from perflab.compare.clients import InProcess
from tests.support.measure_command import QUICK, measure

in_process = pytest.mark.django_db


# What it finds.


@pytest.mark.parametrize("count", [2, 3, 4])
def test_each_variant_comes_first_as_often_as_any_other(count):
    variants = list("abcd"[:count])

    rounds = [runner.order_of_turn(variants, number) for number in range(count * 2)]

    assert all(sorted(one) == variants for one in rounds)
    for place in range(count):
        assert sorted(one[place] for one in rounds) == sorted(variants * 2)


# That it measures truly.


class Disturbed(InProcess):
    """A lab in whose worker somebody inspects pages while some of its answers are made."""

    def __init__(self, every):
        super().__init__()
        self.every, self.asked = every, 0

    def get(self, path, **headers):
        answer = super().get(path, **headers)
        self.asked += 1
        if "server-timing" in answer.headers and self.asked % self.every == 0:
            answer.headers["server-timing"] += ', inspected;desc="1"'
            answer.headers["server-timing"] = re.sub(
                r"total;dur=[\d.]+", "total;dur=9999", answer.headers["server-timing"]
            )
        return answer


def measure_through(client):
    experiment = runner.read_catalogue(client)["experiments"][0]
    try:
        return runner.measure_experiment(client, experiment, {"movies": 2}, 5, False)
    finally:
        gc.unfreeze()


@in_process
@pytest.mark.long
def test_a_run_beside_an_inspected_request_is_left_out():
    result = measure_through(Disturbed(every=3))

    assert [variant["runs"] for variant in result["variants"]] == [5, 5]
    assert max(max(variant["samples_ms"]) for variant in result["variants"]) < 9999


@in_process
def test_nothing_is_measured_while_every_answer_is_disturbed():
    with pytest.raises(runner.PageFailed, match="inspecting pages in the same worker"):
        measure_through(Disturbed(every=1))


@in_process
@pytest.mark.long
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
