"""Test the tables of a load run in a terminal."""

import re
from dataclasses import replace

from perflab.load.model import OpenLoop
from perflab.load.tables import as_text
from tests.support.load_runs import point, run_of

OPEN = OpenLoop(per_s=40, seconds=4, requests=160, answered_per_s=39.9, p50_ms=6, p95_ms=800)


def test_a_point_that_was_asked_on_a_schedule_too_has_a_line_for_each_way():
    both, closed = point(150, workers=2, users=2, open=OPEN), point(77, workers=4)
    run = replace(run_of(both, closed), duration_s=4)

    text = as_text(run)

    assert re.search("2 workers with 2 users +closed loop +100 +150.0 +50.0 +60.0 +70.0", text)
    assert re.search(" {24}open, 40 a second +160 +39.9 +6.0 +800.0 +– +0", text)
    assert text.count("closed loop") == 1
    assert "closed loop" not in as_text(replace(run, points=[closed]))
