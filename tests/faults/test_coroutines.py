"""A view that is a coroutine, under each worker class, beside pages with queries."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.fault_table import CLASSES, READS

ASYNC = "/experiments/remote-calls/async/?movies=5"


@pytest.mark.parametrize("worker_class", CLASSES)
def test_a_coroutine_breaks_no_other_page(start_lab, worker_class):
    """Under gevent its event loop would be that of all pages under way."""
    lab = start_lab(**CLASSES[worker_class])

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lab.get, [ASYNC, READS] * 15, [None] * 30, [60] * 30))

    if worker_class == "gevent":
        assert {answer.status for answer in answers[::2]} == {409}
        assert "another worker class" in answers[0].text
    else:
        assert {answer.status for answer in answers[::2]} == {200}
    assert {answer.status for answer in answers[1::2]} == {200}
    assert "Traceback" not in lab.log_text()
