"""Test which kept load runs are still running."""

import os
from datetime import UTC, datetime

import pytest

from perflab.load import run as runs
from perflab.load import store
from tests.support.load_runs import run_of


@pytest.fixture
def keep(settings, tmp_path):
    """A function that keeps a run in a `var/` of this test's own."""
    settings.VAR = tmp_path

    def save(run):
        runs.save(run)
        return run["id"]

    return save


def test_a_run_whose_process_is_gone_does_not_go_on(keep):
    now = datetime.now(UTC).isoformat(timespec="seconds")
    mine = run_of(state="running", pid=os.getpid(), date=now)

    assert store.is_running(mine)
    assert not store.is_running(
        {**mine, "date": "2020-01-01T00:00:00+00:00"}
    )  # the pid is another's
    assert not store.is_running({**mine, "pid": 2**22 + 1})
    assert store.state_of({**mine, "pid": 2**22 + 1}) == "broken off"
