"""Test the sentences about a load run: each wording once."""

import pytest

from perflab.load import verdict, wording
from perflab.load.comparisons.worker_classes import ClassFinding
from perflab.load.model import OpenLoop, Ratio, SwitchResult
from tests.support.load_runs import point

FIRST, LAST = point(19, workers=1), point(154, workers=8)
USERS = {"axis": "users", "at": point(19, users=1, p95_ms=52)}


def finding(code, **options):
    """Return a finding about I/O-bound requests on 1 to 8 workers."""
    usual = {"variant": None, "kind": "I/O-bound", "beside": (), "axis": "workers", "cores": 2}
    usual |= {"at": LAST, "last": LAST, "best": LAST}
    return verdict.Finding(code, **{**usual, **options})


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (finding("rises", share=0.96),
         "I/O-bound: throughput still rises at 8 workers, 154.0 requests/s, 96 % of the "
         "theoretical line."),
        (finding("rises", kind=None), "Throughput still rises at 8 workers, 154.0 requests/s."),
        (finding("falls_short", share=0.62),
         "I/O-bound: throughput still rises at 8 workers, but falls short: 154.0 requests/s are "
         "62 % of the theoretical line, and the figures do not show why."),
        (finding("falls_short", share=0.62, caveats=(
            verdict.Caveat("generator"), verdict.Caveat("other_programs", 0.9),
            verdict.Caveat("shared_cores", 8))),
         "I/O-bound: throughput still rises at 8 workers, but falls short: 154.0 requests/s are "
         "62 % of the theoretical line (the load generator may have been the limit, other "
         "programs kept 0.9 cores busy, 8 workers share 2 cores)."),
        (finding("knee", kind="CPU-bound", at=point(39, workers=2), reason="your_cores"),
         "CPU-bound: the knee is at 2 workers, your cores."),
        (finding("knee", kind="mixed", at=point(39, workers=4), reason="cores",
                 last=point(30, workers=8), best=point(40, workers=4), gets_less=True),
         "Mixed: the knee is at 4 workers on 2 cores; 8 workers give less, 30.0 after 40.0 "
         "requests/s."),
        (finding("no_gain", at=point(39, workers=2, users=2), reason="users"),
         "I/O-bound: more workers than 2 gain nothing, because 2 users cannot ask for more."),
        (finding("no_gain", kind="CPU-bound", axis="threads", at=point(20, threads=2),
                 reason="processes"),
         "CPU-bound: more threads than 2 gain nothing, because 1 worker can compute on no more "
         "cores."),
        (finding("no_gain", at=point(39, workers=2), gets_less=True, last=point(30, workers=8),
                 best=point(39, workers=2)),
         "I/O-bound: more workers than 2 do not help; 8 workers give less, 30.0 after 39.0 "
         "requests/s."),
        (finding("saturated", **USERS, last=point(20, users=8, p95_ms=410)),
         "I/O-bound: saturated from 1 user on at 19.0 requests/s; 8 users get no more, while p95 "
         "goes from 52 to 410 ms."),
        (finding("saturated", **USERS, gets_less=True, last=point(12, users=8, p95_ms=None)),
         "I/O-bound: saturated from 1 user on at 19.0 requests/s; 8 users get less, 12.0 "
         "requests/s."),
        (finding("not_judged", at=point(39, workers=2), obstacles=(
            verdict.Obstacle("failures", 1200), verdict.Obstacle("workers_changed", 2))),
         "I/O-bound: not judged, because 1,200 requests failed and 2 workers came or went while "
         "they were measured (2 workers with 8 users): see in the report, or with curl, what the "
         "lab answers them, and leave the workers as they are, or see in the log why they ended, "
         "then run again."),
        (finding("not_judged", kind=None, obstacles=(verdict.Obstacle("cache_errors", 12),)),
         "Not judged, because the cache did not answer 12 calls (8 workers with 8 users): start "
         "the cache again or choose another one, then run again."),
        (finding("single", axis=None, at=point(19, limit="slots"), share=0.95),
         "I/O-bound: 19.0 requests/s, 95 % of the 20.0 that 1 worker can serve."),
        (finding("single", axis=None, at=point(19, users=2, limit="users"), share=0.95),
         "I/O-bound: 19.0 requests/s, 95 % of the 20.0 that 2 users can ask for."),
        (finding("single", axis=None, at=point(19, limit="cores"), share=0.95),
         "I/O-bound: 19.0 requests/s, 95 % of the 20.0 that 2 cores can compute."),
        (finding("single", axis=None, at=FIRST, kind=None), "19.0 requests/s."),
        (finding("nothing_answered"), "I/O-bound: nothing was answered."),
        (finding("single", axis=None, at=FIRST, variant="fast", beside=((4, "users"),)),
         "Fast, 4 users, I/O-bound: 19.0 requests/s."),
    ],
)  # fmt: skip
def test_a_finding_is_a_sentence(found, sentence):
    assert wording.describe_finding(found) == sentence


def test_a_run_without_a_finding_says_why():
    assert wording.describe_verdict([], [point(3, partial=True)]) == (
        "No point was measured to its end."
    )
    assert wording.describe_verdict([], [point(0, requests=0)]) == "Nothing was answered."


OPENED = OpenLoop(per_s=100, seconds=6, requests=600, answered_per_s=60, p95_ms=700)
CLOSED = point(150, workers=2, users=2, p95_ms=7)


@pytest.mark.parametrize(
    ("code", "freeze_s", "sentence"),
    [
        ("omission", 1,
         "2 workers with 2 users: p95 is 700 ms for those who come on a schedule, 100 requests/s, "
         "and 7 ms by the closed loop, whose users waited while the lab stood still for 1 s and so "
         "did not ask: coordinated omission."),
        ("omission", 0,
         "2 workers with 2 users: p95 is 700 ms for those who come on a schedule, 100 requests/s, "
         "and 7 ms by the closed loop, whose users waited while the lab was slow and so did not "
         "ask: coordinated omission."),
        ("agree", 0,
         "2 workers with 2 users: p95 is 700 ms for those who come on a schedule, 100 requests/s, "
         "and 7 ms by the closed loop, at its 150.0."),
        ("open_only", 0,
         "2 workers with 2 users: p95 is 700 ms for those who come on a schedule, 100 requests/s."),
        ("queue_grew", 0,
         "2 workers with 2 users: 100 requests/s on a schedule are more than was served, 60.0; the "
         "queue grew to the end, and its p95 of 700 ms says how long the run was."),
    ],
)  # fmt: skip
def test_requests_on_a_schedule_have_a_sentence(code, freeze_s, sentence):
    found = verdict.LoopFinding(code, CLOSED, OPENED, freeze_s)

    assert wording.describe_loops(found) == sentence


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("failures", "answers failed"),
        ("generator_bound", "hey was busy for more than half"),
        ("few_samples", "too few samples for a p95"),
        ("little_error", "Little's law does not hold"),
        ("other_programs", "other programs"),
        ("open_late", "could not keep its schedule and sent requests up to 150 ms late"),
        ("open_failures", "answers of the open loop failed"),
    ],
)
def test_a_warning_names_its_points(code, words):
    one = verdict.RunWarning(code, (CLOSED,), of=2, latest_ms=150)
    every = verdict.RunWarning(code, (CLOSED, FIRST), of=2, latest_ms=150)

    line = wording.describe_warning(one, "hey")

    assert words in line
    assert line.endswith(" (2 workers with 2 users)")
    assert wording.describe_warning(every, "hey").endswith(" (all points)")
    assert wording.count_warning(one).endswith(" (1 of 2 points)")


def test_a_warning_about_the_whole_run_names_no_point():
    line = wording.describe_warning(verdict.RunWarning("cost_unsure"))

    assert line.endswith("the theoretical line may be too low")


def test_the_worker_classes_are_told_with_what_they_cost():
    sync = point(40, name="sync", scenario="io-bound", workers=2)
    gthread = point(100, name="gthread", scenario="io-bound", workers=2, busiest_share=0.7)
    asgi = point(400, name="asgi", scenario="io-bound", workers=2, server_cpu_ms=3)
    findings = [
        ClassFinding("most", asgi, sync, times=10),
        ClassFinding("uneven_workers", gthread),
        ClassFinding("cpu_cost", asgi, times=1.5),
    ]

    assert wording.describe_classes(findings) == (
        "io-bound: asgi answers most, 400.0 requests/s, 10 times as many as sync on 2 workers "
        "each. gthread on io-bound: one of 2 workers did 70 % of the work. asgi computes 3.0 ms "
        "for a request that only waits, 1.5 times what sync does."
    )


def ratio(value, effect):
    return Ratio(on=value, off=1, ratio=value, low=value, high=value, effect=effect)


@pytest.mark.parametrize(
    ("ratios", "sentence"),
    [
        ({"p50_ms": ratio(0.8, "less")}, "preload: on it gains p50 20 % less; off by default."),
        ({"p50_ms": ratio(1.5, "more")}, "preload: on it costs p50 50 % more; off by default."),
        ({"p50_ms": ratio(2, "more"), "memory_mb": ratio(0.5, "less")},
         "preload: on it gains memory 50 % less and costs p50 100 % more; off by default."),
        ({"p50_ms": ratio(1, "")}, "preload: no measurable difference; off by default."),
    ],
)  # fmt: skip
def test_a_switch_is_told_by_what_it_gains_and_costs(ratios, sentence):
    result = SwitchResult(name="preload", default="off", ratios=ratios)

    assert wording.describe_switch(result) == sentence


def test_too_few_rounds_say_nothing():
    result = SwitchResult(name="preload", default="off", ratios={"p50_ms": ratio(0.5, "less")})

    assert wording.describe_switch(result, least_rounds=4) == (
        "preload: too few rounds to tell (at least 4); off by default."
    )
