"""Test the tables that tell a load run."""

from perflab.load import open_loop_report

POINT = {
    **{"variant": None, "workers": 2, "threads": 1, "users": 2, "requests": 900, "failures": 0},
    **{"requests_per_s": 150.0, "p50_ms": 6.0, "p95_ms": 7.0, "p99_ms": 9.0},
}
OPEN = {
    **{"per_s": 100, "seconds": 6, "requests": 600, "unanswered": 0, "failures": 0, "late": 0},
    **{"latest_ms": 2.0, "answered_per_s": 99.9, "growing": False},
    **{"p50_ms": 6.0, "p95_ms": 700.0, "p99_ms": 950.0, "max_ms": 1000.0},
}


def opened(**different):
    return POINT | {"open": OPEN | different}


def test_what_the_closed_loop_left_out_is_said_and_only_then():
    (told,) = open_loop_report.sentences([POINT, opened()], freeze_s=1)
    (equal,) = open_loop_report.sentences([opened(p95_ms=7.5)])
    (too_much,) = open_loop_report.sentences([opened(growing=True, answered_per_s=60.0)])

    assert told == (
        "2 workers with 2 users: p95 is 700 ms for those who come on a schedule, 100 requests/s, "
        "and 7 ms by the closed loop, whose users waited while the lab stood still for 1 s and so "
        "did not ask: coordinated omission."
    )
    assert "omission" not in equal
    assert "are more than was served, 60.0; the queue grew to the end" in too_much


def test_a_generator_that_is_late_is_told():
    assert open_loop_report.warnings([POINT, opened(late=6)]) == []

    (line,) = open_loop_report.warnings([opened(late=7, latest_ms=150)])

    assert line.startswith("the open loop could not keep its schedule and sent requests up to 150")
