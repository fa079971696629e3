"""Test what is read from hey, ab and wrk, and a run of each."""

import json

import pytest

from perflab.load import plan
from perflab.load.generators import tools
from perflab.load.window import Window
from tests.support.load_command import load
from tests.support.services import find, or_skip

HEY = """
Summary:
  Total:\t2.0087 secs
  Average:\t0.0041 secs

Latency distribution:
  50% in 0.0032 secs
  95% in 0.0083 secs
{p99}
Status code distribution:
  [200]\t979 responses
  [503]\t11 responses
{errors}"""
ERRORS = "\nError distribution:\n  [4]\tGet http://127.0.0.1:9/: connection refused\n"
AB = """
Time taken for tests:   2.500 seconds
Complete requests:      595
Failed requests:        {failed}
{wrong}Requests per second:    238.00 [#/sec] (mean)
"""
WRK = "Running\nperflab requests=552 seconds=1.5 failures=5 mean=3.6 p50=3.1 p95=8.1 p99=9.2\n"


# What the tools say. ---------------------------------------------------------------------------


def test_heys_summary_is_read():
    found = tools.read_hey(HEY.format(p99="  99% in 0.0109 secs\n", errors=ERRORS), "")

    assert found == Window(
        **{"seconds": 2.0087, "requests": 994, "failures": 15, "mean_ms": pytest.approx(4.1)},
        **{"p50_ms": 3.2, "p95_ms": pytest.approx(8.3), "p99_ms": pytest.approx(10.9)},
    )


# What hey wrote after `hey -n 1200000 -c 30` in front of nginx: it lists the first million.
MANY = """
Summary:
  Total:\t73.9181 secs
  Average:\t0.0022 secs
  Requests/sec:\t16234.1906

Latency distribution:
  50% in 0.0009 secs
  95% in 0.0068 secs
  99% in 0.0196 secs

Status code distribution:
{statuses}
"""


def test_beyond_a_million_answers_heys_own_rate_counts():
    found = tools.read_hey(MANY.format(statuses="  [200]\t1000000 responses"), "")

    assert found.requests == pytest.approx(1_200_000, abs=1)
    assert found.failures == 0
    # 30 users, each with a request under way all the time.
    assert found.mean_ms == pytest.approx(1000 * 30 / 16_234, rel=0.03)
    assert found.requests / found.seconds == pytest.approx(16_234.19)


def test_of_answers_that_hey_does_not_list_as_many_are_taken_for_wrong():
    statuses = "  [200]\t900000 responses\n  [503]\t100000 responses"

    found = tools.read_hey(MANY.format(statuses=statuses) + ERRORS, "")

    assert found.requests == pytest.approx(1_200_000, abs=1)
    assert found.failures == pytest.approx(120_000 + 4, abs=2)


@pytest.mark.parametrize("p99", ["", "  0% in 0.0000 secs\n", "  99% in 0.0000 secs\n"])
def test_a_percentile_that_hey_leaves_away_is_not_made_up(p99):
    found = tools.read_hey(HEY.format(p99=p99, errors=""), "")

    assert (found.requests, found.failures, found.p99_ms) == (990, 11, None)


def test_abs_summary_and_table_are_read():
    table = "Percentage served,Time in ms\n" + "".join(f"{n},{n + 1}.5\n" for n in range(100))
    wrong = "Non-2xx responses:      40\n"

    found = tools.read_ab(AB.format(failed=3, wrong=wrong), table)

    assert found == Window(
        **{"seconds": 2.5, "requests": 595, "failures": 43, "mean_ms": 51},
        **{"p50_ms": 51.5, "p95_ms": 96.5, "p99_ms": 100.5},
    )


def test_the_line_of_wrks_script_is_read():
    assert tools.read_wrk(WRK, "") == Window(
        **{"seconds": 1.5, "requests": 552, "failures": 5, "mean_ms": 3.6},
        **{"p50_ms": 3.1, "p95_ms": 8.1, "p99_ms": 9.2},
    )


def test_a_tool_that_says_something_else_is_not_believed():
    for read in tools.READERS.values():
        with pytest.raises(plan.LoadRefused, match="not understood"):
            read("a new version with other words", "")


# Real runs. ------------------------------------------------------------------------------------


@pytest.mark.parametrize("generator", ["hey", "ab", "wrk"])
def test_other_generators_load_one_address_of_a_lab_that_runs(lab, generator, tmp_path):
    or_skip(find, generator)
    saved = tmp_path / "run.json"
    page = ("n-plus-one", "--fast", "--movies", "10", "--host", lab.url)

    load(*page, "--generator", generator, "--users", "3", "--duration", "1s", f"--json={saved}")

    run = json.loads(saved.read_text())
    (found,) = run["points"]
    assert run["generator_version"].startswith(generator)
    assert (found["variant"], found["users"], found["workers"]) == ("fast", 3, None)
    assert found["failures"] == 0
    assert found["requests"] > 3
    assert found["requests_per_s"] == pytest.approx(found["requests"] / found["duration_s"], 0.05)
    times = [found[name] for name in ("p50_ms", "p95_ms", "p99_ms") if found[name] is not None]
    assert times == sorted(times)  # hey leaves away what a few requests do not have
    assert times[0] > 0
    assert found["server_cpu"] is None  # a lab that we did not start
    assert found["generator_cpu"] > 0
    assert found["little_users"] == pytest.approx(3, rel=0.6)
    address = f"GET /experiments/n-plus-one/fast/?movies=10 HTTP/1.{0 if generator == 'ab' else 1}"
    assert lab.log_text().count(address) >= found["requests"]
