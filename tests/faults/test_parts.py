"""One part after the other is killed, frozen, refuses or is slow, under load, and comes back.

tests/support/fault_table.py says what a client may see meanwhile. For each fault, worker class and
database: every answer has a status that the table allows and comes in time, pages that need no such
part are served, all pages are soon served again, and nothing is lost: no worker, no content.

A status or a content that is wrong fails at once. Where only a time is too long, the fault is made
anew, twice at most: a busy machine can be the reason.

A few cells run always, the whole table with `--all`. `-s` shows what was measured.
"""

from contextlib import ExitStack

import pytest

from tests.support.fault_table import FREE, cells, is_always_tried
from tests.support.services import undisturbed
from tests.support.stands import Stand
from tests.support.trials import try_fault


def parameters():
    """Return the cells of the table for pytest, with a name each."""
    found = []
    for worker_class, database, fault in cells():
        always = is_always_tried(worker_class, database, fault)
        name = f"{fault.name}-{worker_class}-{database}".replace(" ", "-")
        marks = [] if always else [pytest.mark.exhaustive]
        found.append(pytest.param(worker_class, database, fault, marks=marks, id=name))
    return found


@pytest.fixture(scope="module")
def stand_for(seeded_database):
    """A function that returns the stand of a worker class and database; one at a time is kept."""
    with ExitStack() as opened:
        kept = {}

        def make(worker_class, database):
            if (worker_class, database) not in kept:
                opened.close()
                kept.clear()
                stand = Stand(worker_class, database, seeded_database, opened)
                kept[worker_class, database] = stand
            return kept[worker_class, database]

        yield make


@pytest.mark.parametrize(("worker_class", "database", "fault"), parameters())
def test_a_client_sees_what_the_table_allows_and_all_is_soon_as_before(
    request, stand_for, worker_class, database, fault
):
    stand = stand_for(worker_class, database)
    lab = stand.lab
    whole = {path: lab.get(path).text for path in fault.paths if path != FREE}

    def break_it():
        workers = set(lab.worker_pids())
        logged = len(lab.log_text())

        trial = try_fault(stand, fault)

        print(f"{request.node.callspec.id}: {trial.line()}")
        assert not trial.find_wrong()
        assert {path: lab.get(path).text for path in whole} == whole
        if fault.part != "worker":
            assert set(lab.worker_pids()) == workers
        assert fault.logs in lab.log_text()[logged:]
        assert "Traceback" not in lab.log_text()[logged:]
        assert not list(stand.var.rglob(".*.draft"))
        return trial.find_late()

    assert not undisturbed(break_it, lambda late: not late, times=3)
