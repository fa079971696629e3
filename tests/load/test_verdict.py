"""Test the sentences that judge a load run."""

import re

import pytest

from perflab.load import theory, verdict

IO = theory.Alone(latency_ms=51, service_ms=50, cpu_ms=1)
CPU = theory.Alone(latency_ms=51, service_ms=50, cpu_ms=50)


def point(per_s, alone=IO, **options):
    """A point that was measured as 20 s of this throughput, with its theory."""
    asked = {"workers": 1, "threads": 1, "worker_class": "sync", "users": 100} | options
    names = ("workers", "threads", "worker_class", "users")
    expected = theory.expected(alone, cores=2, think_ms=0, **{n: asked[n] for n in names})
    rest = {"variant": None, "requests": round(20 * per_s), "failures": 0, "requests_per_s": per_s}
    rest |= {"p50_ms": 50, "p95_ms": 60, "p99_ms": 70, "generator_bound": False, "other_cpu": 0.1}
    rest |= {"little_error": 0.01, "expected_per_s": expected.per_s, "limit": expected.limit}
    return {**rest, **asked}


def told(points, alone=IO, variant=None):
    return verdict.verdict(points, {variant: alone}, cores=2)


def test_computing_has_its_knee_at_the_cores():
    points = [point(n, CPU, workers=w) for w, n in ((1, 21), (2, 39), (4, 40), (8, 39))]

    assert told(points, CPU) == "CPU-bound: the knee is at 2 workers, your cores."


def test_waiting_goes_on_rising():
    points = [point(n, workers=w) for w, n in ((1, 19), (2, 39), (4, 77), (8, 154))]

    assert told(points) == (
        "I/O-bound: throughput still rises at 8 workers, 154.0 requests/s, 96 % of the theoretical "
        "line."
    )


def test_too_few_users_are_no_knee_of_the_workers():
    points = [point(n, workers=w, users=2) for w, n in ((1, 20), (2, 39), (4, 39), (8, 39))]

    assert told(points) == (
        "I/O-bound: the knee is at 2 workers, because 2 users cannot ask for more."
    )
    assert told(points[1:]) == (
        "I/O-bound: more workers than 2 gain nothing, because 2 users cannot ask for more."
    )


def test_threads_do_not_help_one_process_to_compute():
    points = [point(20, CPU, threads=t, worker_class="gthread") for t in (1, 2, 8)]

    assert told(points[1:], CPU) == (
        "CPU-bound: more threads than 2 gain nothing, because 1 worker can compute on no more "
        "cores."
    )


def test_more_users_than_can_be_served_only_wait():
    points = [point(n, users=u) | {"p95_ms": ms} for u, n, ms in ((1, 19, 52), (8, 20, 410))]

    assert told(points) == (
        "I/O-bound: saturated from 1 user on at 19.0 requests/s; "
        "8 users get no more, while p95 goes from 52 to 410 ms."
    )


def test_more_users_who_get_less_are_told_so():
    points = [point(n, users=u) | {"p95_ms": ms} for u, n, ms in ((1, 19, 52), (8, 12, 900))]

    assert told(points) == (
        "I/O-bound: saturated from 1 user on at 19.0 requests/s; "
        "8 users get less, 12.0 requests/s, while p95 goes from 52 to 900 ms."
    )


def test_more_workers_that_give_less_are_told_so():
    points = [point(n, CPU, workers=w) for w, n in ((1, 20), (2, 39), (4, 38), (8, 30))]

    assert told(points, CPU) == (
        "CPU-bound: the knee is at 2 workers, your cores; "
        "8 workers give less, 30.0 after 39.0 requests/s."
    )
    assert told(points[1:], CPU) == (
        "CPU-bound: more workers than 2 do not help, your cores; "
        "8 workers give less, 30.0 after 39.0 requests/s."
    )


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"other_cpu": 0.9}, " (other programs kept 0.9 cores busy, 8 workers share 2 cores)."),
        ({"generator_bound": True, "other_cpu": None},
         " (the load generator may have been the limit, 8 workers share 2 cores)."),
        ({}, " (8 workers share 2 cores)."),
    ],
)  # fmt: skip
def test_what_rises_far_under_the_theoretical_line_falls_short_of_it(change, reasons):
    points = [point(n, workers=w) | change for w, n in ((1, 19), (4, 60), (8, 100))]

    assert told(points) == (
        "I/O-bound: throughput still rises at 8 workers, but falls short: "
        f"100.0 requests/s are 62 % of the theoretical line{reasons}"
    )


def test_a_point_that_falls_short_for_no_reason_known_is_not_given_one():
    points = [point(10), point(20, workers=2)]

    assert told(points).endswith("50 % of the theoretical line, and the figures do not show why.")


def test_curves_that_differ_in_a_second_thing_are_told_apart():
    points = [point(10 * w, workers=w, users=u) for u in (4, 8) for w in (1, 2)]

    assert [line.partition(":")[0] for line in told(points).splitlines()] == [
        "4 users, I/O-bound",
        "8 users, I/O-bound",
    ]


def test_one_point_is_told_beside_the_theory():
    assert told([point(19)]) == (
        "I/O-bound: 19.0 requests/s, 95 % of the 20.0 that 1 worker can serve."
    )


def test_each_variant_has_its_own_sentence_in_the_order_of_the_lanes():
    points = [point(10, variant="slow"), point(19, variant="fast")]

    text = verdict.verdict(points, {"slow": CPU, "fast": IO}, cores=2)

    assert re.findall(r"(?m)^(\w+), ([\w/]+-bound):", text) == [
        ("Slow", "CPU-bound"),
        ("Fast", "I/O-bound"),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"generator_bound": True}, "the load generator may have been the limit"),
        ({"other_cpu": 1.2}, "other programs kept 1.2 cores busy"),
    ],
)
def test_a_knee_may_not_be_the_labs(change, words):
    points = [point(n, CPU, workers=w) | change for w, n in ((1, 21), (2, 39), (4, 40))]

    assert told(points, CPU).endswith(f" ({words}).")


def test_a_point_that_was_broken_off_is_no_part_of_the_verdict():
    points = [point(19), point(3, workers=2) | {"partial": True}]

    assert told(points) == told(points[:1])
    assert told(points[1:]) == "No point was measured to its end."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"failures": 3}, "answers failed"),
        ({"generator_bound": True}, "hey was busy for more than half"),
        ({"requests": 199}, "too few samples for a p95"),
        ({"little_error": -0.2}, "Little's law does not hold"),
        ({"other_cpu": 0.9}, "other programs"),
    ],
)
def test_what_makes_a_figure_less_than_it_looks_is_told(change, words):
    found = verdict.warnings([point(19), point(39, workers=2) | change], "hey", {})

    assert [line for line in found if "2 workers with 100 users" in line] == found
    assert len(found) == (words is not None)
    assert not words or words in found[0]


def test_a_theory_that_was_found_on_a_busy_machine_is_told_as_such():
    busy = theory.Alone(110, 104, cpu_ms=52, queued_ms=50)

    (line,) = verdict.warnings([point(19)], "hey", {"slow": CPU, "fast": busy})

    assert line.endswith("the theoretical line may be too low")
    assert told([point(19)], busy).startswith("19.0 requests/s")  # and not what binds it
    assert verdict.warnings([point(19)], "hey", {None: IO}) == []
    assert verdict.warnings([point(19)], "hey", {None: None}) == []


def test_a_generator_measures_itself_above_half_its_ceiling():
    assert theory.is_generator_bound(0.5, ceiling=1)
    assert not theory.is_generator_bound(0.49, ceiling=1)
    assert not theory.is_generator_bound(0.6, ceiling=2)
    assert not theory.is_generator_bound(None, ceiling=1)
