"""A disk that is full or read-only under a running lab: pages are served, and it is said."""

import shutil

import pytest

from tests.support.disks import FOLDERS, SmallDisk, on_small_disk
from tests.support.labs import Lab
from tests.support.orders import order
from tests.support.services import or_skip

PAGE = "/experiments/n-plus-one/slow/?movies=5"
SERVED = ["/", PAGE, f"{PAGE}&trace=1", f"{PAGE}&trace=memory", f"{PAGE}&inspect=1"]
SERVED += ["/experiments/n-plus-one/", "/experiments/what-to-cache/site/?movies=5", "/load/"]
SERVED += ["/load/now.json", "/system/", "/system.json", "/health/", "/tuning/", "/films/"]
SERVED += ["/experiments/cache-backends/file/?movies=5", "/experiments/streaming-export/fast/"]
RESULT = "ratio=3&low=2&high=4&movies=100&round_trip=0&big=3x&small=faster"
ORDERS = {
    "/experiments/n-plus-one/flush/": "",
    "/experiments/n-plus-one/result/": RESULT,
    "/load/start/": "scenario=io-bound&workers=1&users=1&threads=1&seconds=2",
}


@pytest.fixture
def small_lab(seeded_database):
    """A lab whose var/ is a disk of its own; `disk` is that."""
    lab = Lab(seeded_database, workers=1)
    try:
        lab.prefix = or_skip(on_small_disk, lab.var, "40m")
        with lab:
            lab.disk = SmallDisk(lab.process.pid, lab.var)
            yield lab
    finally:
        shutil.rmtree(f"{lab.var}.disk", ignore_errors=True)
        shutil.rmtree(lab.var, ignore_errors=True)


def drafts(lab):
    return [path for path in lab.disk.seen.rglob(".*.draft")]


@pytest.mark.parametrize("broken", ["full", "read-only"])
def test_pages_are_served_and_what_is_not_kept_is_said(small_lab, broken):
    lab = small_lab
    if broken == "full":
        lab.disk.fill()
    else:
        for name in FOLDERS:
            lab.disk.make_read_only(name)

    for path in SERVED:
        answer = lab.get(path)
        assert answer.status == 200, (path, answer.text[-2000:])
    for path, form in ORDERS.items():
        answer = order(lab, path, form)
        if broken == "full" and not path.endswith("/result/"):
            assert answer.status in (204, 302, 507)  # an empty file may need no space
            continue
        assert answer.status == 507, (path, answer.text[-2000:])
        assert "cannot write" in answer.text
        assert "No space left" in answer.text or "Read-only" in answer.text
    assert drafts(lab) == []
    assert "A trace is not kept" in lab.log_text()
    assert "Traceback" not in lab.log_text()


def test_the_lab_goes_on_when_there_is_space_again(small_lab):
    small_lab.disk.fill()
    assert order(small_lab, "/experiments/n-plus-one/result/", RESULT).status == 507

    small_lab.disk.empty()

    assert order(small_lab, "/experiments/n-plus-one/result/", RESULT).status == 204
    trace = small_lab.get(f"{PAGE}&trace=1").headers["X-Perflab-Trace"]
    assert small_lab.get(f"/traces/{trace}.json").status == 200
