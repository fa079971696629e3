"""Test what is found in the points of a load run; tests/load/test_wording.py has the sentences."""

from dataclasses import replace

import pytest

from perflab.load import theory, verdict
from perflab.load.model import OpenLoop, Point
from perflab.load.verdict import Caveat

IO = theory.request_cost(latency_ms=51, service_ms=50, cpu_ms=1)
CPU = theory.request_cost(latency_ms=51, service_ms=50, cpu_ms=50)


def point(per_s, cost=IO, **options):
    """Return a point that was measured as 20 s of this throughput, with its theory."""
    asked = {"workers": 1, "threads": 1, "worker_class": "sync", "users": 100} | options
    names = ("workers", "threads", "worker_class", "users")
    expected = theory.expected(cost, cores=2, think_ms=0, **{n: asked[n] for n in names})
    return Point(
        requests=round(20 * per_s),
        requests_per_s=per_s,
        p50_ms=50,
        p95_ms=60,
        p99_ms=70,
        other_cpu=0.1,
        little_error=0.01,
        expected_per_s=expected.per_s,
        limit=expected.limit,
        **asked,
    )


def change(points, **changes):
    return [replace(one, **changes) for one in points]


def judge(points, cost=IO):
    """Return the one finding of a run without variants."""
    (finding,) = verdict.judge(points, {"all": cost}, cores=2)
    return finding


def test_computing_has_its_knee_at_the_cores():
    points = [point(n, CPU, workers=w) for w, n in ((1, 21), (2, 39), (4, 40), (8, 39))]

    found = judge(points, CPU)

    assert (found.code, found.axis, found.at.workers) == ("knee", "workers", 2)
    assert (found.kind, found.reason, found.cores) == ("CPU-bound", "your_cores", 2)
    assert not found.gets_less


def test_waiting_goes_on_rising():
    points = [point(n, workers=w) for w, n in ((1, 19), (2, 39), (4, 77), (8, 154))]

    found = judge(points)

    assert (found.code, found.kind, found.at.workers) == ("rises", "I/O-bound", 8)
    assert found.share == pytest.approx(154 / 160)
    assert found.caveats == ()


def test_too_few_users_are_no_knee_of_the_workers():
    points = [point(n, workers=w, users=2) for w, n in ((1, 20), (2, 39), (4, 39), (8, 39))]

    knee, no_gain = judge(points), judge(points[1:])

    assert (knee.code, knee.at.workers, knee.reason) == ("knee", 2, "users")
    assert (no_gain.code, no_gain.at.workers, no_gain.reason) == ("no_gain", 2, "users")


def test_threads_do_not_help_one_process_to_compute():
    points = [point(20, CPU, threads=t, worker_class="gthread") for t in (1, 2, 8)]

    found = judge(points[1:], CPU)

    assert (found.code, found.axis, found.at.threads) == ("no_gain", "threads", 2)
    assert found.reason == "processes"


def test_a_knee_of_waiting_has_no_reason_and_one_beyond_the_cores_names_them():
    points = [point(n, workers=w) for w, n in ((1, 19), (2, 39), (4, 39))]
    mixed = theory.request_cost(latency_ms=51, service_ms=50, cpu_ms=25)

    assert judge(points).reason is None
    assert judge(points, mixed).reason == "cores"


@pytest.mark.parametrize(("per_s", "gets_less"), [(20, False), (12, True)])
def test_more_users_than_can_be_served_only_wait(per_s, gets_less):
    points = [point(19, users=1), point(per_s, users=8)]

    found = judge(points)

    assert (found.code, found.axis) == ("saturated", "users")
    assert (found.at.users, found.last.users) == (1, 8)
    assert found.gets_less is gets_less


def test_more_workers_that_give_less_are_found():
    points = [point(n, CPU, workers=w) for w, n in ((1, 20), (2, 39), (4, 38), (8, 30))]

    knee, no_gain = judge(points, CPU), judge(points[1:], CPU)

    assert (knee.code, knee.at.workers, knee.gets_less) == ("knee", 2, True)
    assert (no_gain.code, no_gain.at.workers, no_gain.gets_less) == ("no_gain", 2, True)
    for found in (knee, no_gain):
        assert (found.last.workers, found.last.requests_per_s) == (8, 30)
        assert found.best.requests_per_s == 39
        assert found.reason == "your_cores"


@pytest.mark.parametrize(
    ("changes", "caveats"),
    [
        ({"other_cpu": 0.9}, (Caveat("other_programs", 0.9), Caveat("shared_cores", 8))),
        ({"generator_bound": True, "other_cpu": None},
         (Caveat("generator"), Caveat("shared_cores", 8))),
        ({}, (Caveat("shared_cores", 8),)),
    ],
)  # fmt: skip
def test_what_rises_far_under_the_theoretical_line_falls_short_of_it(changes, caveats):
    points = [point(n, workers=w) for w, n in ((1, 19), (4, 60), (8, 100))]

    found = judge(change(points, **changes))

    assert (found.code, found.at.workers) == ("falls_short", 8)
    assert found.share == pytest.approx(100 / 160)
    assert found.caveats == caveats


def test_a_point_that_falls_short_for_no_reason_known_is_not_given_one():
    found = judge([point(10), point(20, workers=2)])

    assert (found.code, found.share, found.caveats) == ("falls_short", 0.5, ())


def test_curves_that_differ_in_a_second_thing_are_told_apart():
    points = [point(10 * w, workers=w, users=u) for u in (4, 8) for w in (1, 2)]

    found = verdict.judge(points, {"all": IO}, cores=2)

    assert [one.beside for one in found] == [((4, "users"),), ((8, "users"),)]
    assert {one.axis for one in found} == {"workers"}


def test_one_point_is_judged_beside_the_theory():
    found = judge([point(19)])

    assert (found.code, found.axis, found.at.limit) == ("single", None, "slots")
    assert found.share == pytest.approx(0.95)


def test_a_single_point_far_below_the_theory_may_have_too_many_workers():
    assert judge([point(100, workers=8)]).caveats == (Caveat("shared_cores", 8),)


def test_a_curve_without_an_answer_has_no_knee():
    points = [replace(point(0, workers=w), requests=3) for w in (1, 2)]

    found = judge(points)

    assert found.code == "nothing_answered"


def test_each_variant_has_its_own_finding_in_the_order_of_the_lanes():
    points = [point(10, variant="slow"), point(19, variant="fast")]

    found = verdict.judge(points, {"slow": CPU, "fast": IO}, cores=2)

    assert [(one.variant, one.kind) for one in found] == [
        ("slow", "CPU-bound"),
        ("fast", "I/O-bound"),
    ]


@pytest.mark.parametrize(
    ("changes", "caveat"),
    [
        ({"generator_bound": True}, Caveat("generator")),
        ({"other_cpu": 1.2}, Caveat("other_programs", 1.2)),
    ],
)
def test_a_knee_may_not_be_the_labs(changes, caveat):
    points = [point(n, CPU, workers=w) for w, n in ((1, 21), (2, 39), (4, 40))]

    assert judge(change(points, **changes), CPU).caveats == (caveat,)


def test_a_point_that_was_broken_off_is_no_part_of_the_verdict():
    points = [point(19), *change([point(3, workers=2)], partial=True)]

    assert judge(points) == judge(points[:1])
    assert verdict.judge(points[1:], {"all": IO}, cores=2) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"failures": 3}, "failures"),
        ({"generator_bound": True}, "generator_bound"),
        ({"requests": 199}, "few_samples"),
        ({"little_error": -0.2}, "little_error"),
        ({"other_cpu": 0.9}, "other_programs"),
    ],
)
def test_what_makes_a_figure_less_than_it_looks_is_a_warning(changes, code):
    points = [point(19), *change([point(39, workers=2)], **changes)]

    found = verdict.warnings(points, {})

    expected = [verdict.RunWarning(code, (points[1],), of=2)] if code else []
    assert found == expected


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"failures": 7}, []),  # of 780
        ({"failures": 8}, ["failures"]),
        ({"cache_errors": 0}, []),
        ({"cache_errors": 1}, ["cache_errors"]),
        ({"workers_changed": 2}, ["workers_changed"]),
        ({"workers_changed": 1, "cache_errors": 3}, ["cache_errors", "workers_changed"]),
    ],
)
def test_a_curve_with_a_point_that_cannot_be_stood_behind_is_not_judged(changes, codes):
    points = [point(19), *change([point(39, workers=2)], **changes)]

    found = judge(points)

    assert [one.code for one in found.obstacles] == codes
    assert (found.code == "not_judged") == bool(codes)
    assert not codes or found.at is points[1]


def test_a_cost_that_was_found_on_a_busy_machine_is_a_warning():
    busy = theory.request_cost(110, 104, cpu_ms=52, queued_ms=50)

    found = verdict.warnings([point(19)], {"slow": CPU, "fast": busy})

    assert found == [verdict.RunWarning("cost_unsure")]
    assert judge([point(19)], busy).kind is None
    assert verdict.warnings([point(19)], {"all": IO}) == []
    assert verdict.warnings([point(19)], {"all": None}) == []


CLOSED = Point(
    **{"workers": 2, "threads": 1, "users": 2, "requests": 900, "requests_per_s": 150.0},
    **{"p50_ms": 6.0, "p95_ms": 7.0, "p99_ms": 9.0},
)
OPEN = OpenLoop(
    **{"per_s": 100, "seconds": 6, "requests": 600, "latest_ms": 2.0, "answered_per_s": 99.9},
    **{"p50_ms": 6.0, "p95_ms": 700.0, "p99_ms": 950.0, "max_ms": 1000.0},
)


def opened(**changes):
    """Return a point that was also asked on a schedule."""
    return replace(CLOSED, open=replace(OPEN, **changes))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (opened(), "omission"),
        (opened(p95_ms=7.5), "agree"),
        (opened(growing=True, answered_per_s=60.0), "queue_grew"),
        (replace(opened(), p95_ms=None), "open_only"),
    ],
)
def test_what_the_closed_loop_left_out_is_found_and_only_then(asked, code):
    (found,) = verdict.compare_loops([CLOSED, asked], freeze_s=1)

    assert (found.code, found.point, found.freeze_s) == (code, asked, 1)


def test_a_generator_that_is_late_is_a_warning():
    on_time, late = opened(late=6), opened(late=7, latest_ms=150)

    assert verdict.warnings([CLOSED, on_time], {}) == []
    assert verdict.warnings([late], {}) == [
        verdict.RunWarning("open_late", (late,), of=1, latest_ms=150)
    ]


def test_answers_that_fail_on_a_schedule_are_a_warning():
    failed = opened(failures=1)

    (found,) = verdict.warnings([failed], {})

    assert (found.code, found.where) == ("open_failures", (failed,))


def test_a_generator_measures_itself_above_half_its_ceiling():
    assert theory.is_generator_bound(0.5, ceiling=1)
    assert not theory.is_generator_bound(0.49, ceiling=1)
    assert not theory.is_generator_bound(0.6, ceiling=2)
    assert not theory.is_generator_bound(None, ceiling=1)
