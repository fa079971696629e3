"""A SQLite file that can only be read: what reads is served, and what writes says why it is not."""

import pytest

from perflab.catalogue import registry
from tests.support.disks import with_read_only
from tests.support.fault_table import CLASSES, READS, WRITES
from tests.support.labs import Lab
from tests.support.services import or_skip

PAGES = ["/", "/films/", "/films/1/", "/load/", "/system/", "/tuning/", "/health/", READS]


@pytest.mark.parametrize(
    "worker_class",
    [
        name if name == "gthread" else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in CLASSES
    ],
)
def test_pages_that_write_nothing_are_served(seeded_database, worker_class):
    lab = Lab(seeded_database, PERFLAB_TOOLBAR="0", **CLASSES[worker_class])
    lab.prefix = or_skip(with_read_only, lab.var / "perflab.sqlite3")
    with lab:
        for path in PAGES:
            assert lab.get(path).status == 200, path
        refused = []
        for experiment in registry.runnable():
            for variant in experiment.variants:
                path = f"/experiments/{experiment.slug}/{variant.name}/?movies=5"
                answer = lab.get(path)
                if answer.status == 503:
                    assert "The database can only be read" in answer.text, path
                    refused.append(experiment.slug)
                else:
                    assert answer.status in (200, 302, 404, 409), (path, answer.text[-2000:])
        health = lab.get("/health/").text
        log = lab.log_text()

    assert {"index-price", "bulk-writes", "upsert"} <= set(refused)
    assert len(set(refused)) < len(registry.runnable()) / 3
    assert '"kind": "read_only"' in health
    assert log.count("perflab.database: The database can only be read") <= 2  # in a minute
    assert WRITES.split("/")[2] in refused
    assert "Traceback" not in log
