"""Test what the figures of a load run mean, and what theory expects."""

import pytest

from perflab.load import theory

IO = theory.request_cost(latency_ms=51, service_ms=50, cpu_ms=1)
CPU = theory.request_cost(latency_ms=51, service_ms=50, cpu_ms=50)


@pytest.mark.parametrize(
    ("share", "ms"), [(0.5, 20), (0.51, 30), (0.95, 30), (0.99, 400), (1, 400)]
)
def test_a_percentile_is_the_nearest_rank_of_all_requests(share, ms):
    times = {400: 2, 10: 20, 30: 48, 20: 30}  # in no order, as a JSON object may be

    assert theory.percentile(times, share) == ms


def test_a_percentile_of_a_histogram_is_that_of_the_times_in_it():
    times = {ms: 1 + ms * 7 % 5 for ms in range(1, 60)}
    ordered = sorted(ms for ms, count in times.items() for _ in range(count))

    for percent in range(1, 101):
        rank = -(-percent * len(ordered) // 100)
        assert theory.percentile(times, percent / 100) == ordered[rank - 1]


def test_there_is_no_percentile_of_nothing():
    assert theory.percentile({}, 0.5) is None


@pytest.mark.parametrize(
    ("requests", "share", "enough"),
    [(200, 0.95, True), (199, 0.95, False), (1000, 0.99, True), (999, 0.99, False)],
)
def test_a_percentile_should_have_ten_slower_requests(requests, share, enough):
    assert theory.rests_on_enough(requests, share) is enough


def test_littles_law_counts_the_users_who_wait_and_those_who_think():
    assert theory.littles_law(per_s=40, latency_ms=500, think_ms=0) == 20
    assert theory.littles_law(per_s=10, latency_ms=100, think_ms=1900) == 20


@pytest.mark.parametrize(
    ("figures", "busy"),
    [
        ({"total_ms": 50, "app_cpu_ms": 1, "cpu_ms": 3}, 52),  # 2 of Gunicorn's own
        ({"total_ms": 50, "app_cpu_ms": None, "cpu_ms": 3}, 50),  # gevent: the page tells no CPU
        ({"total_ms": 2, "app_cpu_ms": None, "cpu_ms": 3}, 3),  # it has to compute for so long
        ({"total_ms": 50, "app_cpu_ms": 1, "cpu_ms": None}, 50),  # a lab that we did not start
        ({"total_ms": None, "app_cpu_ms": None, "cpu_ms": None}, 60),
    ],
)
def test_a_worker_is_busy_for_the_page_and_for_gunicorns_part_of_it(figures, busy):
    assert theory.service_ms(latency_ms=60, **figures) == busy


@pytest.mark.parametrize(
    ("cpu_ms", "queued_ms", "kind"),
    [
        (48, 0, "CPU-bound"),
        (25, 0, "mixed"),
        (2, 0, "I/O-bound"),
        (2, 1, "I/O-bound"),
        (25, 24, None),  # for half of the time other programs had the core: who knows
        (2, 60, None),
        (None, None, None),
    ],
)
def test_a_page_is_bound_by_what_most_of_its_time_goes_to(cpu_ms, queued_ms, kind):
    assert theory.request_cost(51, 50, cpu_ms, queued_ms).kind == kind


@pytest.mark.parametrize(
    ("cost", "options", "per_s", "limit"),
    [
        (IO, {"workers": 4}, 80, "slots"),
        (IO, {"workers": 4, "threads": 8, "worker_class": "gthread", "users": 500}, 640, "slots"),
        (IO, {"workers": 8, "users": 4}, 4 / 0.051, "users"),
        (IO, {"workers": 8, "users": 40, "think_ms": 949}, 40, "users"),
        (IO, {"worker_class": "gevent", "users": 500}, 1000, "processes"),
        (CPU, {"workers": 1}, 20, "slots"),
        (CPU, {"workers": 2}, 40, "slots"),
        (CPU, {"workers": 8}, 40, "cores"),
        (CPU, {"threads": 8, "worker_class": "gthread"}, 20, "processes"),
        (CPU, {"workers": None, "threads": None, "users": 4}, 4 / 0.051, "users"),
    ],
)
def test_the_theoretical_line_is_the_lowest_of_slots_cores_and_users(cost, options, per_s, limit):
    asked = {"workers": 1, "threads": 1, "worker_class": "sync", "users": 100, "think_ms": 0}

    found = theory.expected(cost, cores=2, **{**asked, **options})

    assert (found.per_s, found.limit) == (pytest.approx(per_s), limit)


@pytest.mark.parametrize(
    ("curve", "knee"),
    [
        ([(1, 21), (2, 39), (4, 40), (8, 39)], 2),
        ([(8, 154), (1, 19), (2, 39), (4, 77)], 8),
        ([(1, 20), (2, 19), (4, 18)], 1),
        ([(1, 20)], None),
        ([(1, 0), (2, 0)], None),
    ],
)
def test_the_knee_is_where_more_hardly_gains(curve, knee):
    assert theory.knee(curve) == knee
