"""Test which kept load runs are still running."""

import os
import time
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


def test_runs_dated_in_the_future_hide_no_new_ones(settings, tmp_path):
    """Neither on the list nor while one is under way."""
    settings.VAR = tmp_path
    for number in range(store.SHOWN):
        later = store.path_of(id_of_later_run(number))
        store.write(run_of(id=id_of_later_run(number)))
        os.utime(later, (time.time() + 86_400 * 365,) * 2)
    new = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-io-bound-1"
    store.write(run_of(id=new, state="running", pid=os.getpid(), date=datetime.now(UTC)))

    assert store.names()[0] == new
    assert store.under_way().id == new


def id_of_later_run(number):
    return f"29990101-0000{number:02}-io-bound-1"
