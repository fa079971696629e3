"""Test the Gunicorn of a load run: its worker classes, and its workers frozen on purpose."""

import psutil
import pytest

from perflab.load import plan
from perflab.load.gunicorn import Freeze
from tests.support.services import wait_until


def test_gevent_workers_reach_the_database(start_lab):
    gevent = start_lab(workers=1, arguments=("--worker-class", "gevent"))

    assert gevent.get("/films/").status == 200  # they patch threads: nothing of Django came before


def test_only_a_gunicorn_of_ours_is_frozen():
    with pytest.raises(plan.LoadRefused, match="not a --host"):
        plan.Plan("io-bound", freeze_s=1, host="http://127.0.0.1:8000")


def test_workers_that_are_frozen_go_on_when_the_measurement_is_broken_off(start_lab):
    lab = start_lab(workers=1)
    (worker,) = psutil.Process(lab.process.pid).children()

    with Freeze(lab, 0, 60) as freeze:
        freeze.begin()
        wait_until(lambda: worker.status() == psutil.STATUS_STOPPED, "the worker to stop")

    assert lab.get("/health/").status == 200
