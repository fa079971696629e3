"""`manage.py measure` and `manage.py results`: in process, over HTTP, and when things go wrong."""

import gc
import json
import os
import pty
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.http import HttpResponse

from movies.models import Movie
from perflab.catalogue import registry
from perflab.compare import report, runner
from perflab.compare.clients import InProcess, NoLab, OverHTTP, parse_url
from perflab.measure import server_timing
from tests.labs import ROOT
from tests.services import free_port, wait_until

VARIANT_KEYS = {
    *("name", "runs", "median_ms", "p95_ms", "queries", "duplicates", "sql_ms", "cpu_ms"),
    *("cache_ms", "hits", "misses", "bytes", "reference", "memory_peak"),
    *("outside_ms", "errors", "varied", "workers", "samples_ms"),
}
LAB_KEYS = {"database", "django", "python", "toolbar", "rows", "url", "cache", "workers"}
QUICK = ("--movies=10", "--runs=5")

in_process = pytest.mark.django_db


def measure(*arguments):
    """What the command writes to its output."""
    output = StringIO()
    call_command("measure", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def measured(tmp_path, *arguments):
    """The JSON that the command writes."""
    measure(*arguments, f"--json={tmp_path / 'measured.json'}")
    return json.loads((tmp_path / "measured.json").read_text())


def refusal(status, *arguments):
    """What the command says as it ends with this exit status."""
    with pytest.raises(CommandError) as refused:
        measure(*arguments)
    assert refused.value.returncode == status
    line = str(refused.value)
    assert "\n" not in line
    return line


def command_line(*arguments, stderr=subprocess.PIPE, **environment):
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", "measure", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=60,
    )


def change_view(monkeypatch, slug, name, view):
    experiment = registry.get(slug)
    variants = [replace(r, view=view) if r.name == name else r for r in experiment.variants]
    monkeypatch.setattr(experiment, "variants", tuple(variants))


# What it finds.


@in_process
def test_the_json_has_the_shape_that_the_docs_promise(tmp_path):
    result = measured(tmp_path, "n-plus-one", "cache-page", *QUICK)

    assert list(result) == ["version", "date", "machine", "lab", "knobs", "experiments"]
    assert result["version"] == 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", result["date"])
    assert set(result["machine"]) == {"cpu", "cores", "system"}
    assert set(result["lab"]) == LAB_KEYS
    assert result["lab"]["rows"]["Movie"] == 1851
    assert result["knobs"] == {
        "movies": 10,
        "round_trip": 0,
        "cache": settings.LAB_CACHES[0],
        "cold": False,
        "runs": 5,
    }
    assert [experiment["slug"] for experiment in result["experiments"]] == [
        "n-plus-one",
        "cache-page",
    ]
    for experiment in result["experiments"]:
        assert set(experiment) == {
            *(
                "slug",
                "figure",
                "clock",
                "variants",
                "ratio",
                "ratio_low",
                "ratio_high",
                "same_page",
                "differences",
            )
        }
        assert experiment["same_page"] is True
        assert experiment["ratio_low"] <= experiment["ratio"] <= experiment["ratio_high"]
        assert [variant["name"] for variant in experiment["variants"]] == ["slow", "fast"]
        for variant in experiment["variants"]:
            assert set(variant) == VARIANT_KEYS
            assert variant["runs"] == len(variant["samples_ms"]) == 5
            assert min(variant["samples_ms"]) <= variant["median_ms"] <= variant["p95_ms"]
            assert variant["cpu_ms"] <= variant["median_ms"] * 1.5
            assert variant["workers"] == 1


@in_process
def test_it_counts_what_the_experiments_promise(tmp_path):
    result = measured(tmp_path, "n-plus-one", "low-level-cache", *QUICK)

    (slow, fast), (uncached, cached) = (e["variants"] for e in result["experiments"])
    assert (slow["queries"], slow["duplicates"], fast["queries"]) == (11, 9, 1)
    assert (uncached["queries"], uncached["hits"]) == (2, 0)
    assert (cached["queries"], cached["hits"], cached["misses"]) == (1, 1, 0)
    assert all(variant["varied"] == [] for variant in (slow, fast, uncached, cached))
    assert slow["bytes"] == fast["bytes"] > 1000


@in_process
@pytest.mark.parametrize("cache", settings.LAB_CACHES)
def test_in_a_cold_measurement_no_run_finds_anything_in_the_cache(tmp_path, cache):
    cold = measured(tmp_path, "low-level-cache", "cache-page", "--cold", f"--cache={cache}", *QUICK)

    for experiment in cold["experiments"]:
        fast = experiment["variants"][-1]
        assert (fast["queries"], fast["hits"], fast["varied"]) == (2, 0, [])
        assert fast["misses"] > 0
        assert experiment["same_page"]
    assert (cold["knobs"]["cache"], cold["knobs"]["cold"]) == (cache, True)


@in_process
def test_the_simulated_round_trip_is_added_to_each_query_and_labelled(tmp_path):
    result = measured(tmp_path, "n-plus-one", "--round-trip=1.5", *QUICK)

    slow, fast = result["experiments"][0]["variants"]
    assert slow["sql_ms"] >= 11 * 1.5
    assert 1.5 <= fast["sql_ms"] < slow["sql_ms"] / 3
    assert result["knobs"]["round_trip"] == 1.5
    assert "round trip 1.5 ms (simulated)" in report.setting(result)


@in_process
def test_with_no_slug_it_measures_everything_and_tells_it_in_a_table(monkeypatch):
    first_three = dict(list(registry.experiments.items())[:3])  # everything there is, in less time
    monkeypatch.setattr(registry, "experiments", first_three)

    text = measure(*QUICK)

    positions = [text.index(f"\n{slug}: ") for slug in registry.experiments]
    assert positions == sorted(positions)
    assert "11 (9 dup)" in text
    assert "95 % interval" in text
    assert "median      p95      queries" in text
    assert max(map(len, text.splitlines())) <= 120
    assert "\x1b" not in text


@in_process
def test_the_interval_is_of_the_samples_that_are_told(tmp_path):
    from perflab.measure.stats import ratio_of_medians

    experiment = measured(tmp_path, "n-plus-one", *QUICK)["experiments"][0]

    slow, fast = (variant["samples_ms"] for variant in experiment["variants"])
    found = ratio_of_medians(slow, fast)
    assert experiment["ratio"] == round(found.value, 4)
    assert (experiment["ratio_low"], experiment["ratio_high"]) == (
        round(found.low, 4),
        round(found.high, 4),
    )


@pytest.mark.parametrize("count", [2, 3, 4])
def test_each_variant_comes_first_as_often_as_any_other(count):
    variants = list("abcd"[:count])

    rounds = [runner.in_turn(variants, number) for number in range(count * 2)]

    assert all(sorted(one) == variants for one in rounds)
    for place in range(count):
        assert sorted(one[place] for one in rounds) == sorted(variants * 2)


@in_process
def test_two_variants_that_are_the_same_do_not_differ_measurably(monkeypatch):
    """An A/A run. One in twenty may differ by chance, so three chances are given."""
    change_view(monkeypatch, "n-plus-one", "fast", registry.get("n-plus-one").slow.view)

    assert any("no measurable difference (ratio" in measure("n-plus-one", *QUICK) for _ in "123")


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (9.5, 10, 11, "10.0 times faster (95 % interval 9.50 to 11.0)"),
        (0.9, 1.02, 1.2, "no measurable difference (ratio 1.02, 95 % interval 0.90 to 1.20)"),
        (0.4, 0.5, 0.8, "2.00 times slower (95 % interval 1.25 to 2.50)"),
    ],
)
def test_the_ratio_is_said_in_words(low, value, high, words):
    said = report.verdict({"ratio": value, "ratio_low": low, "ratio_high": high})

    assert re.sub(r"\[/?\w*\]", "", said) == words


# That it measures truly.


@in_process
@pytest.mark.parametrize("name", ["slow", "fast"])
def test_server_timing_agrees_with_a_clock_around_the_request(name):
    client = InProcess()
    variant = {"name": name, "url": f"/experiments/n-plus-one/{name}/"}
    runner.ask(client, variant, {"movies": 20})

    apart = []
    for _ in range(15):
        timing, _ = runner.ask(client, variant, {"movies": 20})
        apart.append(timing["outside"] - timing["total"])

    assert min(apart) >= 0
    assert sorted(apart)[7] < 1  # ms


@in_process
def test_a_measured_request_bears_no_toolbar_and_no_figures():
    answer = InProcess().get("/experiments/n-plus-one/slow/?movies=10")

    assert b"djDebug" not in answer.body
    assert b"<!-- perflab: figures -->" in answer.body
    assert "panel" not in answer.headers["server-timing"].lower()


@in_process
def test_the_collector_skips_what_was_there_before_the_runs_and_only_then():
    frozen = []
    client = InProcess()
    experiment = runner.open_catalogue(client)["experiments"][0]

    try:
        runner.measure(
            client,
            experiment,
            {"movies": 2},
            5,
            False,
            lambda: frozen.append(gc.get_freeze_count()),
        )
    finally:
        gc.unfreeze()
    measure("n-plus-one", *QUICK)

    assert len(frozen) == 10
    assert min(frozen) > 10_000
    assert gc.get_freeze_count() == 0


def test_from_the_command_line_it_runs_without_toolbar_and_debug(seeded_database, tmp_path):
    seeded_database.copy_to(tmp_path / "perflab.sqlite3")
    file = tmp_path / "measured.json"
    leader, follower = pty.openpty()

    done = command_line(
        "fragment-trap",
        *QUICK,
        f"--json={file}",
        stderr=follower,
        DEBUG="1",
        PERFLAB_TOOLBAR="1",
        PERFLAB_VAR=str(tmp_path),
        DATABASE_URL="",
    )
    os.close(follower)
    bar = os.read(leader, 1_000_000).decode()
    os.close(leader)

    assert done.returncode == 0
    assert json.loads(file.read_text())["lab"]["toolbar"] is False
    assert "fragment-trap" in bar  # that somebody at a terminal sees
    assert "━" in bar
    assert "━" not in done.stdout


# Gates.


@in_process
def test_a_ratio_that_is_high_enough_passes(tmp_path):
    result = measured(tmp_path, "n-plus-one", "--fail-under=n-plus-one=0.05", *QUICK)

    assert result["experiments"][0]["ratio"] >= 0.05


@in_process
def test_a_ratio_that_is_too_low_ends_with_status_one_and_the_figures(tmp_path):
    file = tmp_path / "measured.json"

    limits = ("--fail-under=n-plus-one=1000", "--fail-under=cache-page=0.01")
    line = refusal(1, "n-plus-one", "cache-page", *limits, *QUICK, f"--json={file}")

    assert re.fullmatch(r"n-plus-one: the ratio is \d+\.\d\d, under 1000", line)
    assert len(json.loads(file.read_text())["experiments"]) == 2


@in_process
@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("nonsense=2", "there is no experiment 'nonsense'; there are n-plus-one, "),
        ("cache-page=2", "--fail-under cache-page is not being measured: name it"),
        *((f"n-plus-one{bad}", "must be SLUG=RATIO") for bad in ("", "=", "=x", "=0", "=-1")),
        *((f"n-plus-one{bad}", "must be SLUG=RATIO") for bad in ("=nan", "=inf")),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(limit, words):
    assert words in refusal(2, "n-plus-one", f"--fail-under={limit}", *QUICK)


@in_process
def test_pages_that_differ_end_with_status_one_and_are_shown(monkeypatch, tmp_path):
    def mutant(request, rows):
        response = real(request, rows)
        response.content = response.content.replace(b"<td>", b"<td>The ", 1)
        return response

    real = registry.get("n-plus-one").fast.view
    change_view(monkeypatch, "n-plus-one", "fast", mutant)
    output, file = StringIO(), tmp_path / "measured.json"

    with pytest.raises(CommandError, match="n-plus-one: the pages differ") as failed:
        call_command("measure", "n-plus-one", *QUICK, "--json", str(file), stdout=output)

    assert failed.value.returncode == 1
    assert "fast: not the page of slow:" in output.getvalue()
    assert re.search(r"\+<td>The \w", output.getvalue())
    experiment = json.loads(file.read_text())["experiments"][0]
    assert experiment["same_page"] is False
    assert list(experiment["differences"]) == ["fast"]


@in_process
def test_a_page_that_is_wrong_only_now_and_then_is_noticed_too(monkeypatch):
    def mutant(request, rows):
        served.append(rows)
        return real(request, rows - 1 if len(served) == 7 else rows)

    served = []
    real = registry.get("n-plus-one").fast.view
    change_view(monkeypatch, "n-plus-one", "fast", mutant)

    assert "the pages differ" in refusal(1, "n-plus-one", *QUICK)


# What cannot be measured.


@in_process
def test_a_page_that_fails_once_ends_its_experiment_alone(monkeypatch, tmp_path):
    def mutant(request, rows):
        served.append(rows)
        return (
            HttpResponse("<h1>Oh no</h1>", status=500) if len(served) == 8 else real(request, rows)
        )

    served = []
    real = registry.get("n-plus-one").slow.view
    change_view(monkeypatch, "n-plus-one", "slow", mutant)
    output, file = StringIO(), tmp_path / "measured.json"

    with pytest.raises(CommandError) as failed:
        call_command("measure", "n-plus-one", "cache-page", *QUICK, json=file, stdout=output)

    assert failed.value.returncode == 2
    assert str(failed.value) == "not measured: n-plus-one: slow answered 500: Oh no."
    assert "cache-page: " in output.getvalue()
    assert "n-plus-one" not in output.getvalue()
    assert not file.exists()


@in_process
@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        (["--movies=0"], "movies must be a whole number from 1 to 5,000, not '0'"),
        (["--movies=-5"], "movies must be a whole number from 1 to 5,000, not '-5'"),
        (["--movies=1000000000000"], "movies must be a whole number"),
        (["--movies=abc"], "invalid int value: 'abc'"),
        (["--round-trip=51"], "round_trip must be a number of ms from 0 to 50, not '51'"),
        (["--round-trip=nan"], "round_trip must be a number of ms from 0 to 50, not 'nan'"),
        (["--movies=5000", "--round-trip=50"], "promises 5,001 queries"),
        (["--cache=memory"], "cache must be one of redis, memcached, locmem, not 'memory'"),
        (["--runs=1"], "must be a whole number from 5 to 200, not '1'"),
        (["--runs=many"], "must be a whole number from 5 to 200, not 'many'"),
        (["--all"], "name experiments or say --all, not both"),
        (["nothing-of-the-kind"], "there is no experiment 'nothing-of-the-kind'; there are n-"),
        (["--json=/nowhere/at/all.json"], "cannot write /nowhere/at/all.json"),
        (["--json=/"], "cannot write /"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_one_line(knobs, words, capfd):
    assert words in refusal(2, "n-plus-one", *knobs)
    assert capfd.readouterr() == ("", "")


def test_on_the_command_line_too_it_is_one_line(tmp_path):
    done = command_line("--movies=abc", PERFLAB_VAR=str(tmp_path))

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "measure: argument --movies: invalid int value: 'abc'\n"


@in_process
def test_an_empty_database_is_told_what_to_run():
    Movie.objects.all().delete()

    line = refusal(2, "cache-page", *QUICK)

    assert line == "The database is empty: run `manage.py seed`. There are no results."


def test_a_database_without_tables_is_told_what_to_run(tmp_path):
    done = command_line("n-plus-one", PERFLAB_VAR=str(tmp_path), DATABASE_URL="")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "The database has no tables yet. Run `manage.py migrate`, then" in done.stderr


@in_process
def test_a_page_short_of_rows_is_remarked_on():
    text = measure("fragment-trap", "--movies=2000", "--runs=5")

    assert "fragment-trap shows 1,851 rows, not 2,000: there are no more" in text


# Over HTTP.


def test_a_running_lab_is_measured_in_all_its_workers(lab, tmp_path):
    result = measured(
        tmp_path, "low-level-cache", f"--url={lab.url}/", "--cache=locmem", "--runs=15"
    )

    assert set(result["lab"]) == LAB_KEYS
    assert result["lab"]["url"] == lab.url
    assert result["lab"]["database"] in ("sqlite", "postgresql")
    assert 1 <= result["lab"]["workers"] <= 2
    slow, fast = result["experiments"][0]["variants"]
    # Each worker has a local cache of its own, and all of them were warm before the first run.
    assert (slow["queries"], fast["queries"], fast["hits"], fast["varied"]) == (2, 1, 1, [])
    assert slow["outside_ms"] >= slow["median_ms"]
    assert result["experiments"][0]["same_page"]


def test_a_running_lab_is_measured_cold(lab, tmp_path):
    result = measured(tmp_path, "low-level-cache", f"--url={lab.url}", "--cold", *QUICK)

    fast = result["experiments"][0]["variants"][1]
    assert (fast["queries"], fast["hits"], fast["misses"], fast["varied"]) == (2, 0, 1, [])


def test_a_running_lab_says_itself_which_knobs_it_refuses(lab):
    line = refusal(2, "n-plus-one", f"--url={lab.url}", "--movies=5001")

    assert "movies must be a whole number from 1 to 5,000, not '5001'" in line


def test_a_running_lab_says_itself_which_experiments_it_has(lab):
    line = refusal(2, "n-plus-two", f"--url={lab.url}")

    assert line.startswith("there is no experiment 'n-plus-two'; there are n-plus-one, ")


def test_a_lab_that_goes_down_leaves_no_results(start_lab, tmp_path):
    lab = start_lab(workers=1)
    file = tmp_path / "measured.json"

    def stop_amid_the_runs():
        wait_until(lambda: lab.log_text().count("/experiments/n-plus-one/") > 40, "the runs", 30)
        lab.stop()

    stopping = threading.Thread(target=stop_amid_the_runs)
    stopping.start()
    line = refusal(2, "n-plus-one", f"--url={lab.url}", "--runs=200", f"--json={file}")
    stopping.join()

    assert line.startswith(f"no lab answers at {lab.url} (")
    assert line.endswith("There are no results.")
    assert not file.exists()


def test_a_url_where_nobody_listens_is_one_line():
    url = f"http://127.0.0.1:{free_port()}"

    assert refusal(2, f"--url={url}") == (
        f"no lab answers at {url} (Connection refused). There are no results."
    )


@pytest.mark.parametrize(
    "url",
    [
        *("", "8000", "127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"),
        *("http://127.0.0.1:8000/path", "http://127.0.0.1:8000?x=1", "http://me@127.0.0.1:8000"),
    ],
)
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(NoLab, match="must look like http://127.0.0.1:8000"):
        parse_url(url, own=True)


@pytest.mark.parametrize("host", ["192.0.2.7", "10.0.0.1", "lab.example", "127.0.0.1.example"])
def test_other_peoples_hosts_are_not_measured(host, monkeypatch):
    monkeypatch.setattr("http.client.HTTPConnection.connect", lambda *args: pytest.fail("connects"))

    line = refusal(2, f"--url=http://{host}:8000")

    assert f"http://{host}:8000 is not on this machine" in line
    assert "--i-own-this-host" in line
    assert OverHTTP(f"http://{host}:8000", own=True).url == f"http://{host}:8000"


@pytest.mark.parametrize("url", ["http://127.0.0.1", "http://localhost:8000", "http://[::1]:8000/"])
def test_this_machine_may_be_measured(url):
    assert OverHTTP(url).url == url.rstrip("/")


# Over HTTP, a lab that does what no real one can be made to do.


TIMING = {
    **{"total": 4.0, "cpu": 3.0, "sql": 1.0, "cache": 0.0, "queries": 2, "tx": 0, "calls": 0},
    **{"duplicates": 0, "hits": 0, "misses": 0, "errors": 0, "worker": 1, "instance": "fake"},
}


def server_timing_of(**changed):
    parts = []
    for name, value in (TIMING | changed).items():
        kind = f"dur={value}" if isinstance(value, float) else f'desc="{value}"'
        parts.append(f"{name};{kind}")
    return ", ".join(parts)


def a_page(**changed):
    return 200, {"Server-Timing": server_timing_of(**changed)}, "<h1>A page</h1>"


def catalogue():
    plain = {"differs": "", "revalidates": False, "reference": False}
    variants = [
        {"name": name, "url": f"/experiments/one/{name}/", **plain} for name in ("slow", "fast")
    ]
    experiment = {"slug": "one", "url": "/experiments/one/", "variants": variants}
    experiment |= {"knobs": {}, "figure": "queries", "clock": "server"}
    return {"version": 2, "knobs": {"cache": {"default": "redis"}}, "experiments": [experiment]}


@contextmanager
def fake_lab(answer):
    """The URL of a server that answers as `answer(path)` says, and where that is None as a lab."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            fixed = {
                "/experiments.json": catalogue(),
                "/health/": {"database": {"vendor": "sqlite", "state": "up"}},
                "/experiments/one/rows.json": {"rows": 1000},
            }
            status, headers, body = answer(path) or (
                (200, {}, json.dumps(fixed[path])) if path in fixed else a_page()
            )
            self.send_response(status)
            for header in headers.items():
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@in_process
def test_what_the_fake_lab_sends_is_what_a_lab_sends():
    real = InProcess().get("/experiments.json")

    assert server_timing.load(server_timing_of()) == TIMING
    assert server_timing.load(real.headers["server-timing"]).keys() == TIMING.keys()
    assert json.loads(real.body).keys() >= catalogue().keys()


def test_a_workers_first_answer_is_its_warm_up_whenever_it_comes(tmp_path):
    """Worker 2 turns up amid the runs, and is slow with the first page of each variant."""
    met = {"slow": 0, "fast": 0}

    def answer(path):
        name = path.split("/")[-2]
        if name not in met:
            return None
        met[name] += 1
        late = met[name] >= 12 and met[name] % 2
        return a_page(worker=2 if late else 1, total=900.0 if met[name] == 13 else 4.0)

    with fake_lab(answer) as url:
        result = measured(tmp_path, f"--url={url}", "--runs=20")

    for variant in result["experiments"][0]["variants"]:
        assert variant["workers"] == 2
        assert variant["samples_ms"] == [4.0] * 20
    assert met["slow"] > 20


def test_a_lab_whose_workers_never_last_is_not_measured(monkeypatch):
    monkeypatch.setattr(runner, "MOST_FOR_WARM_UP", 15)
    pids = iter(range(1, 10_000))

    def answer(path):
        return a_page(worker=next(pids)) if path.endswith(("/slow/", "/fast/")) else None

    with fake_lab(answer) as url:
        line = refusal(2, f"--url={url}", *QUICK)

    assert "every answer comes from another worker" in line


def test_counts_that_vary_and_caches_that_are_away_are_told(tmp_path):
    served = []

    def answer(path):
        if not path.endswith(("/slow/", "/fast/")):
            return None
        served.append(path)
        return a_page(queries=len(served) % 3, errors=1)

    with fake_lab(answer) as url:
        text = measure(f"--url={url}", "--runs=9")
        variant = measured(tmp_path, f"--url={url}", "--runs=9")["experiments"][0]["variants"][0]

    assert "slow: the cache did not answer 9 calls" in text
    assert "slow: not the same in each run: queries" in text
    assert (variant["queries"], variant["varied"], variant["errors"]) == (1, ["queries"], 9)


def test_where_a_threads_clock_means_nothing_there_is_no_cpu_time(tmp_path):
    header = re.sub(r"cpu;dur=[\d.]+, ", "", server_timing_of())

    def answer(path):
        page = 200, {"Server-Timing": header}, "<h1>A page</h1>"
        return page if path.endswith(("/slow/", "/fast/")) else None

    with fake_lab(answer) as url:
        result = measured(tmp_path, f"--url={url}", *QUICK)

    assert result["experiments"][0]["variants"][0]["cpu_ms"] is None
    assert " – " in report.as_text(result)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, {}, "<h1>Oh&nbsp;no</h1>"), "slow answered 500: Oh no."),
        ((302, {"Location": "/"}, ""), "slow answered 302"),
        ((200, {}, "<h1>A page</h1>"), "slow came without the lab's Server-Timing"),
        ((200, {"Server-Timing": 'db;desc="x"'}, ""), "slow came without the lab's Server-Timing"),
        ((200, {"Content-Length": "999"}, "short"), "no lab answers at http://127.0.0.1:"),
        ((503, {}, "<h1>Down</h1>"), "Down. There are no results."),
    ],
)
def test_a_page_that_is_none_is_told_in_one_line(answer, words):
    with fake_lab(lambda path: answer if path.endswith("/slow/") else None) as url:
        assert words in refusal(2, f"--url={url}", *QUICK)


@pytest.mark.parametrize(
    "body",
    ["<h1>Hello</h1>", "[]", "{}", '{"experiments": []}', '{"experiments": [{"slug": 1}]}', "null"],
)
def test_something_that_is_not_a_lab_is_one_line(body):
    with fake_lab(lambda path: (200, {}, body)) as url:
        assert refusal(2, f"--url={url}").startswith(f"{url} answers, but not as a perflab")


def test_a_lab_without_its_database_is_one_line():
    health = 503, {}, '{"database": {"vendor": "postgresql", "state": "down"}}'

    with fake_lab(lambda path: health if path == "/health/" else None) as url:
        assert refusal(2, f"--url={url}").startswith("The lab's database does not answer.")


# The page of results.


def results(*files):
    output = StringIO()
    call_command("results", *map(str, files), stdout=output)
    return output.getvalue()


def cells(page):
    """The rows of the page's table, as lists of texts, without its head."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@in_process
def test_results_stand_variant_by_variant(tmp_path):
    one = measured(tmp_path, "n-plus-one", "cache-page", *QUICK)
    other = {**one, "lab": {**one["lab"], "database": "PostgreSQL 15.1"}}
    other["experiments"] = other["experiments"][:1]
    for name, result in (("one", one), ("other", other)):
        (tmp_path / name).write_text(json.dumps(result))

    page = results(tmp_path / "one", tmp_path / "other")

    first, second = cells(page)
    assert first[:2] == ["`n-plus-one`", "11 → 1"]
    assert len(first) == 6
    assert first[2:4] == first[4:6]
    assert second[4:] == ["–", "–"]
    assert "- **PostgreSQL 15.1**, 20" in page
    assert "1,851 Movie" in page


@pytest.mark.parametrize("text", ["", "{}", "[]", "7", '{"version": 2, "experiments": []}'])
def test_a_file_that_holds_no_results_is_refused_in_one_line(tmp_path, text):
    file = tmp_path / "file.json"
    file.write_text(text)

    with pytest.raises(CommandError, match="is not what `measure --json` writes") as refused:
        results(file)

    assert refused.value.returncode == 2


def test_results_of_an_older_version_are_refused_in_one_line(tmp_path):
    file = tmp_path / "file.json"
    file.write_text('{"version": 1, "experiments": [{"slug": "n-plus-one", "rungs": []}]}')

    with pytest.raises(CommandError, match="is of another version, 1") as refused:
        results(file)

    assert refused.value.returncode == 2


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path):
    with pytest.raises(CommandError, match="No such file") as refused:
        results(tmp_path / "nothing.json")

    assert refused.value.returncode == 2


def test_the_published_results_were_written_by_the_command():
    folder = ROOT / "docs/results"

    page = results(folder / "sqlite.json", folder / "postgresql.json")

    assert (ROOT / "docs/results.md").read_text() == page


def test_the_published_results_name_every_experiment_with_figures_for_both_databases():
    rows = cells((ROOT / "docs/results.md").read_text())

    assert [row[0].strip("`") for row in rows] == list(registry.experiments)
    for row in rows:
        assert re.fullmatch(r"\d+( → \d+)+", row[1].split(" / ")[0])
        for medians, ratio in (row[2:4], row[4:6]):
            if (medians, ratio) == ("–", "–"):
                assert registry.get(row[0].strip("`")).needs
                continue
            assert all(float(median) > 0 for median in medians.split(" → "))
            assert re.search(r"\d+\.\d+ \(\d+\.\d+ to \d+\.\d+\)$", ratio)


@in_process
def test_what_was_measured_here_stands_on_the_contents_page(monkeypatch, tmp_path, client):
    monkeypatch.setattr(settings, "VAR", tmp_path)

    measure("n-plus-one", *QUICK)

    kept = json.loads((tmp_path / "results/n-plus-one.json").read_text())
    assert (kept["movies"], kept["round_trip"], kept["queries"]) == (10, 0, [11, 1])
    assert "with 10 films" in client.get("/", SERVER_NAME="127.0.0.1").content.decode()
