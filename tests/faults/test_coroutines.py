"""Views that run an event loop, under each worker class, beside pages with queries."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.fault_table import CLASSES, READS

PATHS = ["/experiments/remote-calls/async/?movies=5", "/experiments/distance/cached/?movies=5"]


@pytest.mark.parametrize("worker_class", CLASSES)
def test_an_event_loop_breaks_no_other_page(start_lab, worker_class):
    """Under gevent its event loop would be that of all pages under way."""
    lab = start_lab(**CLASSES[worker_class])

    with ThreadPoolExecutor(6) as pool:
        asked = [PATHS[0], READS, PATHS[1], READS] * 8
        answers = list(pool.map(lab.get, asked, [None] * 32, [60] * 32))

    if worker_class == "gevent":
        assert {answer.status for answer in answers[::2]} == {409}
        assert all("another worker class" in answer.text for answer in answers[::2])
    else:
        assert {answer.status for answer in answers[::2]} == {200}
    assert {answer.status for answer in answers[1::2]} == {200}
    assert "Traceback" not in lab.log_text()
