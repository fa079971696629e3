"""A page that takes longer than expected ends with a 503, and its worker lives on."""

import pytest

LAB = "tests.support.breaking_lab"  # a page has 2 s there
SHAPES = {
    "sync": {},
    "gthread": {"threads": 4},
    "gevent": {"arguments": ("--worker-class", "gevent")},
    "asgi": {"arguments": ("--worker-class", "asgi")},
}


def assert_took_too_long(answer):
    assert answer.status == 503
    assert "The page took too long" in answer.text
    assert answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_page_with_many_queries_ends_at_its_deadline(start_lab, shape):
    interface = "asgi" if shape == "asgi" else "wsgi"
    lab = start_lab(workers=1, application=f"{LAB}:{interface}", **SHAPES[shape])
    before = lab.worker_pids()

    answer = lab.get("/experiments/n-plus-one/slow/?movies=180&round_trip=50")

    assert_took_too_long(answer)
    assert 2000 <= answer.timing["total"] < 9000  # it was accepted as 9 s
    assert lab.worker_pids() == before
    assert lab.get("/experiments/n-plus-one/slow/?movies=10&round_trip=1").status == 200


def test_a_page_without_queries_ends_before_its_sync_worker_is_killed(start_lab):
    lab = start_lab(workers=1, arguments=("--timeout", "3"), application=f"{LAB}:wsgi")
    before = lab.worker_pids()

    assert_took_too_long(lab.get("/computes/?s=20"))

    assert lab.worker_pids() == before
    assert lab.get("/computes/?s=0.1").status == 200
    assert lab.worker_pids() == before
    assert "WORKER TIMEOUT" not in lab.log_text()
