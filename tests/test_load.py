"""`manage.py load`: what its figures mean, what it refuses, and a few short runs of the real thing.

The short runs prove that all is counted and ended; how fast this machine is they do not judge.
"""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from io import StringIO

import psutil
import pytest
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from perflab.load import plan, scenarios, theory, verdict
from perflab.load import run as runs
from perflab.load.generators import tools as by_tools
from perflab.load.tables import as_text
from perflab.management.commands.load import Command, command_line, plan_of
from tests.labs import ROOT
from tests.services import find, or_skip, temporary_folder, wait_until
from tests.test_locust import BrokenLab, broken_lab  # noqa: F401

IO = theory.Alone(latency_ms=51, service_ms=50, cpu_ms=1)
CPU = theory.Alone(latency_ms=51, service_ms=50, cpu_ms=50)


# What figures mean. ----------------------------------------------------------------------------


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
    ("told", "busy"),
    [
        ({"total_ms": 50, "app_cpu_ms": 1, "cpu_ms": 3}, 52),  # 2 of Gunicorn's own
        ({"total_ms": 50, "app_cpu_ms": None, "cpu_ms": 3}, 50),  # gevent: the page tells no CPU
        ({"total_ms": 2, "app_cpu_ms": None, "cpu_ms": 3}, 3),  # it has to compute for so long
        ({"total_ms": 50, "app_cpu_ms": 1, "cpu_ms": None}, 50),  # a lab that we did not start
        ({"total_ms": None, "app_cpu_ms": None, "cpu_ms": None}, 60),
    ],
)
def test_a_worker_is_busy_for_the_page_and_for_gunicorns_part_of_it(told, busy):
    assert theory.service_ms(latency_ms=60, **told) == busy


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
    assert theory.Alone(51, 50, cpu_ms, queued_ms).kind == kind


@pytest.mark.parametrize(
    ("alone", "options", "per_s", "limit"),
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
def test_the_theoretical_line_is_the_lowest_of_slots_cores_and_users(alone, options, per_s, limit):
    asked = {"workers": 1, "threads": 1, "worker_class": "sync", "users": 100, "think_ms": 0}

    found = theory.expected(alone, cores=2, **{**asked, **options})

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


# The verdict. ----------------------------------------------------------------------------------


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


# What the tools say. ---------------------------------------------------------------------------

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


def test_heys_summary_is_read():
    found = by_tools.read_hey(HEY.format(p99="  99% in 0.0109 secs\n", errors=ERRORS), "")

    assert found == {
        **{"seconds": 2.0087, "requests": 994, "failures": 15, "mean_ms": pytest.approx(4.1)},
        **{"p50_ms": 3.2, "p95_ms": pytest.approx(8.3), "p99_ms": pytest.approx(10.9)},
    }


@pytest.mark.parametrize("p99", ["", "  0% in 0.0000 secs\n", "  99% in 0.0000 secs\n"])
def test_a_percentile_that_hey_leaves_away_is_not_made_up(p99):
    found = by_tools.read_hey(HEY.format(p99=p99, errors=""), "")

    assert (found["requests"], found["failures"], found["p99_ms"]) == (990, 11, None)


def test_abs_summary_and_table_are_read():
    table = "Percentage served,Time in ms\n" + "".join(f"{n},{n + 1}.5\n" for n in range(100))
    wrong = "Non-2xx responses:      40\n"

    found = by_tools.read_ab(AB.format(failed=3, wrong=wrong), table)

    assert found == {
        **{"seconds": 2.5, "requests": 595, "failures": 43, "mean_ms": 51},
        **{"p50_ms": 51.5, "p95_ms": 96.5, "p99_ms": 100.5},
    }


def test_the_line_of_wrks_script_is_read():
    assert by_tools.read_wrk(WRK, "") == {
        **{"seconds": 1.5, "requests": 552, "failures": 5, "mean_ms": 3.6},
        **{"p50_ms": 3.1, "p95_ms": 8.1, "p99_ms": 9.2},
    }


def test_a_tool_that_says_something_else_is_not_believed():
    for read in by_tools.READERS.values():
        with pytest.raises(plan.LoadRefused, match="not understood"):
            read("a new version with other words", "")


# What is loaded. -------------------------------------------------------------------------------


def test_every_scenario_is_a_file_and_every_file_a_scenario():
    helpers = {path.name for path in scenarios.FOLDER.glob("_*.py")}
    files = {path.name for path in (ROOT / "locustfiles").glob("*.py")} - helpers

    assert {f"{name.replace('-', '_')}.py" for name in scenarios.names()} == files
    assert {"browse", "slow", "fast", "duel", *scenarios.CALIBRATED} <= set(scenarios.names())


def test_the_variants_of_an_experiment_are_two_targets_with_an_address_each():
    wish = plan.Plan("n-plus-one", variants=("slow", "fast"), knobs={"movies": "10"})

    slow, fast = scenarios.targets(wish)

    assert (slow.path, fast.path) == (
        "/experiments/n-plus-one/slow/?movies=10",
        "/experiments/n-plus-one/fast/?movies=10",
    )
    assert [target.locustfile.rpartition("/")[2] for target in (slow, fast)] == [
        "slow.py",
        "fast.py",
    ]
    assert slow.options == fast.options == ("--movies", "10", "--experiment", "n-plus-one")


def test_a_calibrated_page_is_one_address_that_the_lab_has(client):
    (target,) = scenarios.targets(plan.Plan("io-bound", ms=5))

    assert target.path == "/io-bound/?ms=5"
    assert target.options == ("--ms", "5")
    assert client.get(target.path).status_code == 200


def test_the_commands_in_the_docs_can_be_run():
    text = (ROOT / "docs/do-more.md").read_text()
    lines = re.findall(r"^\.venv/bin/python (manage\.py load [a-z].+)$", text, re.MULTILINE)
    assert len(lines) >= 9

    for line in lines:
        _, name, *arguments = shlex.split(line)
        options = vars(Command().create_parser("manage.py", name).parse_args(arguments))
        wish = plan_of(options)
        scenarios.check(wish)
        assert shlex.split(line)[2] == wish.scenario


def test_the_command_that_a_run_keeps_asks_for_the_same():
    line = "n-plus-one --both --users 1,2 --threads 2,4 --duration 5s --movies 10 --generator wrk"
    parser = Command().create_parser("manage.py", "load")
    options = vars(parser.parse_args(line.split()))

    again = command_line(options)

    assert again.startswith("manage.py load n-plus-one ")
    assert plan_of(vars(parser.parse_args(again.split()[2:]))) == plan_of(options)


def test_the_docs_name_every_option():
    text = (ROOT / "docs/do-more.md").read_text()
    actions = Command().create_parser("manage.py", "load")._actions
    inherited = BaseCommand().create_parser("manage.py", "load")._actions
    own = {o for a in actions for o in a.option_strings} - {
        o for a in inherited for o in a.option_strings
    }

    assert {option for option in own if option not in text} == set()


def load(*arguments):
    """What the command writes to its output."""
    output = StringIO()
    call_command("load", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def refusal(status, *arguments):
    """What the command says as it ends with this exit status."""
    with pytest.raises(CommandError) as refused:
        load(*arguments)
    line = str(refused.value)
    assert refused.value.returncode == status, line
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("nonsense", "there is no scenario 'nonsense'; there are browse, cpu-bound, duel"),
        ("slow --users 0", "--users: must be whole numbers from 1 to 500"),
        ("slow --users 1000000", "--users: must be whole numbers from 1 to 500"),
        ("slow --workers 1,2,99", "--workers: must be whole numbers from 1 to 64"),
        ("slow --duration 365d", "--duration: must be from 1s to 10m, such as 20s"),
        ("slow --duration 0s", "--duration: must be from 1s to 10m"),
        ("slow --host http://192.0.2.1", "http://192.0.2.1 is not on this machine"),
        ("slow --host nowhere", "--host must look like http://127.0.0.1:8000"),
        ("slow --host http://127.0.0.1:1", "no lab answers at http://127.0.0.1:1"),
        ("slow --host http://127.0.0.1:1 --workers 2", "--workers is for a Gunicorn that we"),
        ("browse --slow", "browse has no variants"),
        ("browse --generator hey", "hey loads one address, and browse is many"),
        ("io-bound --ms 5000", "--ms: must be a whole number from 0 to 1,000, not '5000'"),
        ("slow --ms 5", "--ms is for io-bound and cpu-bound, not for slow"),
        ("io-bound --movies 10", "io-bound has one knob, --ms"),
        ("slow --experiment n+1", "there is no experiment 'n+1'"),
        ("slow --movies 100000", "movies must be a whole number from 1 to 5,000"),
        ("n-plus-one --slow --movies 5000 --round-trip 50", "lower one of the two"),
        ("slow --threads 4 --worker-class sync", "--threads is for gthread workers"),
        ("slow --port 99999", "--port: must be a whole number from 1 to 65,535"),
        ("slow --json /nowhere/run.json", "--json: cannot write /nowhere/run.json"),
        ("slow --users 1,2,3,4,5,6,7,8,9 --workers 1,2,3,4,5,6,7,8", "72 points are too many"),
    ],
)
def test_what_cannot_be_loaded_is_one_line_and_status_two(arguments, words):
    assert words in refusal(2, *arguments.split())


def test_a_generator_that_is_not_installed_is_named_with_its_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    assert refusal(2, "io-bound", "--generator", "ab") == (
        "ab is not installed; on Debian and Ubuntu: apt install apache2-utils"
    )


@pytest.mark.django_db
def test_a_port_that_is_taken_is_told_and_nothing_kept():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        line = refusal(2, "io-bound", "--port", str(port))

    assert line == f"port {port} is taken by another program"
    assert not list(runs.folder().glob("*"))


@pytest.mark.django_db
def test_a_gunicorn_that_does_not_start_is_told_by_its_own_words(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://nobody/nothing")

    line = refusal(2, "io-bound", "--users", "1")

    assert line.startswith("Gunicorn did not start: perflab: DATABASE_URL names ")
    assert not started()


# Real runs. ------------------------------------------------------------------------------------


def started(var=None):
    """The processes that a load run with this PERFLAB_VAR has started and not ended."""
    var = str(var or os.environ["PERFLAB_VAR"])
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if process.environ().get("PERFLAB_VAR") == var and re.search("gunicorn|locust", line):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def var(seeded_database):
    """A folder for a lab of its own, with the films in it."""
    folder = temporary_folder()
    seeded_database.copy_to(folder / "perflab.sqlite3")
    yield folder
    for process in started(folder):
        process.kill()
    subprocess.run(["rm", "-r", str(folder)], check=True)


def command(var, line):
    """A load run as a process of its own, in its own session as under a terminal."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *shlex.split(line)],
        cwd=ROOT,
        env={**os.environ, "PERFLAB_VAR": str(var), "DATABASE_URL": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kept(var):
    """The run in var/runs/, or {} before there is one."""
    files = list((var / "runs").glob("*.json"))
    return json.loads(files[0].read_text()) if files else {}


def test_a_run_measures_each_point_and_what_theory_expects_of_it(var, tmp_path):
    saved = tmp_path / "run.json"
    line = f"load io-bound --ms 20 --workers 1,2 --users 6 --duration 1s --json {saved}"

    process = command(var, line)
    output, errors = process.communicate(timeout=120)

    assert process.returncode == 0, errors
    run = json.loads(saved.read_text())
    assert run == kept(var)
    assert run["version"] == 1
    assert run["state"] == "done"
    assert (run["scenario"], run["generator"]) == ("io-bound", "locust")
    assert set(run["machine"]) == {"cpu", "cores", "system"}
    assert run["lab"]["database"].startswith("SQLite")
    assert run["lab"]["toolbar"] is False
    assert run["lab"]["rows"]["Movie"] == 1851
    assert run["knobs"] == {"ms": 20}
    assert run["alone"]["all"]["service_ms"] >= 20
    assert run["alone"]["all"]["kind"] != "CPU-bound"
    one, two = run["points"]
    assert set(one) >= {
        *("workers", "threads", "worker_class", "users", "requests", "failures", "requests_per_s"),
        *("p50_ms", "p95_ms", "p99_ms", "expected_per_s", "server_cpu", "generator_cpu"),
        *("generator_bound", "little_users", "little_error"),
    }
    assert [(p["workers"], p["threads"], p["worker_class"]) for p in (one, two)] == [
        (1, 1, "sync"),
        (2, 1, "sync"),
    ]
    assert one["expected_per_s"] == pytest.approx(1000 / run["alone"]["all"]["service_ms"], 0.01)
    assert two["expected_per_s"] > 1.5 * one["expected_per_s"]
    for found in (one, two):
        assert found["failures"] == 0
        assert found["requests"] > 0
        assert found["requests_per_s"] <= found["workers"] * 1000 / 20  # it cannot be done faster
        assert 20 <= found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"]
        assert found["p50_ms"] > 40  # six users at two workers: they wait for each other
        assert 0 < found["server_cpu"] < run["machine"]["cores"] + 0.2
        assert abs(found["little_error"]) < 0.3
    assert as_text(run) in output
    docs = (ROOT / "docs/do-more.md").read_text()
    names = {*run, *one, "queued_ms", "service_ms"} - {"version"}
    assert {name for name in names if f"`{name}`" not in docs} == set()
    assert run["verdict"]
    assert f"Kept in {var / 'runs'}" in output
    assert not started(var)
    assert not list((var / "run").iterdir())  # no control socket stays


def test_a_run_that_is_interrupted_ends_all_and_keeps_what_it_has(var):
    process = command(var, "load io-bound --ms 5 --workers 1,2 --users 2 --duration 2s")

    def second_is_measured():
        now = kept(var).get("now", {})
        return process.poll() is not None or (
            now.get("number") == 2 and now.get("seconds", 0) > 0.4
        )

    wait_until(second_is_measured, "the second point", 60)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)

    run = kept(var)
    assert process.returncode == 130, errors
    assert run["state"] == "interrupted"
    assert "now" not in run
    assert [found.get("partial", False) for found in run["points"]] == [False, True]
    assert run["points"][1]["requests"] > 0
    assert run["points"][1]["duration_s"] < 2
    assert "* not measured to its end" in output
    assert "Traceback" not in output + errors
    assert not started(var)


def test_a_run_that_is_killed_leaves_nothing_behind(var):
    process = command(var, "load io-bound --ms 5 --workers 2 --users 2 --duration 60s")
    try:
        wait_until(lambda: len(started(var)) >= 3, "Gunicorn and its workers", 60)
    finally:
        process.kill()
        process.communicate()

    wait_until(lambda: not started(var), "the end of all")


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


def test_gevent_workers_reach_the_database(start_lab):
    gevent = start_lab(workers=1, arguments=("--worker-class", "gevent"))

    assert gevent.get("/films/").status == 200  # they patch threads: nothing of Django came before


def test_visitors_who_think_fulfil_littles_law_too(lab, tmp_path):
    saved = tmp_path / "run.json"

    load("browse", "--host", lab.url, "--users", "10", "--duration", "3s", f"--json={saved}")

    (found,) = json.loads(saved.read_text())["points"]
    assert found["think_ms"] > 500
    assert found["limit"] == "users"
    assert found["little_users"] == pytest.approx(10, rel=0.5)


def test_answers_that_fail_are_counted_and_end_with_status_one(broken_lab, tmp_path):  # noqa: F811
    saved = tmp_path / "run.json"
    options = ("--users", "2", "--duration", "1s", f"--json={saved}", "--movies", "3")

    line = refusal(1, "fast", "--host", broken_lab.url, *options)

    (found,) = json.loads(saved.read_text())["points"]
    assert line == "answers failed"
    assert 0 < found["failures"] < found["requests"]


class OldLab(BrokenLab):
    """From before there were calibrated pages."""

    def do_GET(self):
        return super().do_GET() if "experiments" in self.path else self.send_error(404)


def test_a_calibrated_page_that_a_lab_does_not_have_is_told(broken_lab, monkeypatch):  # noqa: F811
    monkeypatch.setattr(broken_lab, "RequestHandlerClass", OldLab)

    line = refusal(2, "io-bound", "--host", broken_lab.url)

    assert line == f"the lab at {broken_lab.url} has no page /io-bound/?ms=50"
