"""Test which kept load runs are still running."""

import os
from dataclasses import replace
from datetime import UTC, datetime

from perflab.load import store
from tests.support.load_runs import run_of


def test_a_run_whose_process_is_gone_does_not_go_on():
    own = run_of(state="running", pid=os.getpid(), date=datetime.now(UTC))

    assert store.is_running(own)
    old = datetime(2020, 1, 1, tzinfo=UTC)
    assert not store.is_running(replace(own, date=old))  # the pid is another's
    assert not store.is_running(replace(own, pid=2**22 + 1))
    assert not store.is_running(replace(own, pid=2**39))
    assert store.state_of(replace(own, pid=2**22 + 1)) == "broken off"


def test_the_newest_run_of_a_kind_is_found(settings, tmp_path):
    settings.VAR = tmp_path
    for moment in ("20250101-000000", "20260101-000000"):
        store.write(run_of(id=f"{moment}-tuning-1", kind="tuning"))
    store.write(run_of(id="20270101-000000-io-bound-1"))

    assert store.newest_of("tuning").id == "20260101-000000-tuning-1"
    assert store.newest_of("classes") is None
