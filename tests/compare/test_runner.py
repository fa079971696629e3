"""Test which runs are taken, and what the garbage collector skips meanwhile."""

import gc
import re

import pytest

from perflab.compare import lab_pages, runner
from perflab.compare.clients import InProcess
from tests.support.measure_command import QUICK, measure

in_process = pytest.mark.django_db


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
    experiment = lab_pages.read_catalogue(client)["experiments"][0]
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
    with pytest.raises(lab_pages.PageFailed, match="inspecting pages in the same worker"):
        measure_through(Disturbed(every=1))


@in_process
@pytest.mark.long
def test_the_collector_skips_what_was_there_before_the_runs_and_only_then():
    frozen = []
    client = InProcess()
    experiment = lab_pages.read_catalogue(client)["experiments"][0]

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
