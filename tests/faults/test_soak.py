"""All pages with all caches, for as long as asked: memory, open files and var/ stay as they are.

`make soak MINUTES=60` does it for an hour, on SQLite with sync workers and on PostgreSQL with
threads, and prints what the lab takes up. The suite does it for half a minute, in which nothing is
full yet: only the answers are judged then.
"""

import time

import pytest

from tests.support.soaking import Sample, Soak, find_growth, take_sample

ENOUGH_MINUTES = 5  # to say whether something grows
SAMPLES = 120


@pytest.mark.exhaustive
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_long_time_of_visits_leaves_memory_files_and_disk_as_they_are(
    start_lab, redis_server, memcached_server, request, capsys, database
):
    minutes = request.config.getoption("soak_minutes")
    options = {"REDIS_URL": redis_server.url, "MEMCACHED_URL": memcached_server.url}
    if database == "postgresql":
        url = request.getfixturevalue("own_postgresql").url
        options |= {"workers": 1, "threads": 4, "DATABASE_URL": url}
    lab = start_lab(PERFLAB_TOOLBAR="1", **options)
    started, samples = time.monotonic(), []

    with Soak(lab, ["redis", "memcached", "locmem"]) as soak:
        for number in range(SAMPLES):
            time.sleep(max(0, started + minutes * 60 * number / SAMPLES - time.monotonic()))
            samples.append(take_sample(lab, started))
            if number % (SAMPLES // 20) == 0:
                with capsys.disabled():
                    print(f"\n{database} {samples[-1].line()}", end="", flush=True)
    with capsys.disabled():
        print(f"\n{database} {samples[-1].line()}; answers: {dict(soak.statuses)}")

    assert soak.broken == []
    assert set(soak.statuses) <= {200, 204, 302, 404, 503}
    assert soak.statuses[404] < soak.statuses.total() / 20
    assert "Traceback" not in lab.log_text()
    if minutes >= ENOUGH_MINUTES:
        assert find_growth(samples) == []


def made(memory, files=30, var=9, pid=7):
    """Return samples of one worker with these MB at one minute after the other."""
    files = files if isinstance(files, list) else [files] * len(memory)
    var = var if isinstance(var, list) else [var] * len(memory)
    return [Sample(n, {pid: memory[n]}, {pid: files[n]}, var[n]) for n in range(len(memory))]


def test_what_fills_at_first_and_what_goes_up_and_down_is_flat():
    filling = [60, 80, 90, 100, 101, 100, 101, 100, 102, 99, 101, 101]

    assert find_growth(made(filling, [30, 34, 30] * 4, list(range(6)) + [6] * 6)) == []


@pytest.mark.parametrize(
    ("samples", "named"),
    [
        (made([100 + 2 * n for n in range(12)]), "memory_mb"),
        (made([100] * 12, files=[30 + 2 * n for n in range(12)]), "files"),
        (made([100] * 12, var=[9 + 0.3 * n for n in range(12)]), "var_mb"),
        (made([100] * 11) + made([100], pid=8), "a worker ended"),
    ],
)
def test_what_grows_on_is_named(samples, named):
    [line] = find_growth(samples)

    assert named in line
