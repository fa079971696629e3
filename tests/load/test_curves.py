"""Test the curves that are drawn of load runs."""

from xml.etree import ElementTree

from perflab.load import curves, svg
from perflab.load.model import ScalerLimits, ScalerSample
from tests.support.load_runs import SVG, WORKERS, heights, point, run_of


def test_throughput_is_drawn_against_workers_beside_what_theory_expects():
    drawn = curves.charts(run_of(*WORKERS))

    assert set(drawn) == {"throughput", "latency"}
    assert len(heights(drawn["throughput"], "fast")) == 3
    assert 'stroke-dasharray="6 5"' in drawn["throughput"]
    assert "in theory" in drawn["throughput"]
    assert ">workers</text>" in drawn["throughput"]


def test_each_variant_has_its_line_against_users():
    points = [
        point(n * u, variant=variant, users=u)
        for variant, n in (("slow", 1), ("fast", 4))
        for u in (4, 1, 2)
    ]

    drawn = curves.charts(run_of(*points))

    assert heights(drawn["throughput"], "slow") == sorted(
        heights(drawn["throughput"], "slow"), reverse=True
    )
    assert min(heights(drawn["throughput"], "fast")) < min(heights(drawn["throughput"], "slow"))


def test_a_point_that_was_broken_off_is_not_drawn_nor_a_comparison_of_settings():
    broken = run_of(*WORKERS[:2], point(3, workers=4, partial=True))

    assert len(heights(curves.charts(broken)["throughput"], "fast")) == 2
    assert curves.charts(run_of(*WORKERS, kind="classes")) == {}
    assert curves.charts(run_of(WORKERS[0])) == {}


def test_two_runs_differ_where_they_have_the_same_point():
    faster = [point(38, workers=1, p95_ms=30), point(99, workers=8)]

    (found,) = curves.differences(run_of(*WORKERS), run_of(*faster))

    assert found.point.workers == 1
    throughput, p50, p95 = found.figures
    assert (throughput.before, throughput.after, throughput.percent) == (19, 38, 100)
    assert (p50.percent, p95.percent) == (0, -50)
    assert curves.both_charts(run_of(*WORKERS), run_of(point(1, users=1), point(2, users=2))) == {}


def test_every_line_of_two_runs_can_be_told_from_the_others():
    by_variant = [
        point(n * w, variant=variant, workers=w, users=u)
        for variant, n in (("slow", 1), ("fast", 4))
        for w in (1, 2, 4)
        for u in (4, 8)
    ]

    for one, other, count in (
        (WORKERS, by_variant, 5),
        (by_variant, WORKERS, 5),
        (by_variant, by_variant, 8),
    ):
        drawn = curves.both_charts(run_of(*one), run_of(*other))["throughput"]
        lines = list(ElementTree.fromstring(drawn).iter(f"{SVG}path"))
        looks = {(line.get("stroke"), line.get("stroke-dasharray")) for line in lines}
        assert len(looks) == len(lines) == count


def test_the_first_point_stands_at_the_left_edge():
    drawn = curves.charts(run_of(point(19, workers=1), point(38, workers=2)))["throughput"]

    marks = [float(m.get("cx")) for m in ElementTree.fromstring(drawn).iter(f"{SVG}circle")]
    assert svg.LEFT < marks[0] < svg.LEFT + 30
    assert svg.WIDTH - svg.RIGHT - 30 < marks[1] < svg.WIDTH - svg.RIGHT


def test_a_scaler_is_drawn_over_one_time_axis():
    series = [
        ScalerSample(t_s=t, load=t, workers=1 + t // 5, requests_per_s=20 * t, p95_ms=ms)
        for t, ms in ((0, None), (5, 250), (10, 120))
    ]
    run = run_of(kind="autoscale", series=series, limits=ScalerLimits(target_p95_ms=200))

    drawn = curves.charts(run)["time"]

    named = [node.text for node in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert {"workers", "p95, ms", "seconds", "target"} <= set(named)
    assert "users" not in named  # which it does not know
