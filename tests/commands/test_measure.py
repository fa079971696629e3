"""Test `manage.py measure` in process: what it finds, its gates, and what it refuses."""

import json
import os
import pty
import re
from dataclasses import replace
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.http import HttpResponse

from movies.models import Movie
from perflab.catalogue import registry
from perflab.catalogue.registry import Queries
from perflab.compare import report
from perflab.measure import stats
from tests.support.caches import with_cache
from tests.support.measure_command import (
    LAB_KEYS,
    QUICK,
    change_view,
    command_line,
    measure,
    measured,
    refusal,
)

VARIANT_KEYS = {
    *("name", "runs", "median_ms", "p95_ms", "queries", "duplicates", "sql_ms", "cpu_ms"),
    *("cache_ms", "calls", "hits", "misses", "bytes", "reference", "memory_peak", "rows"),
    *("right", "words"),
    *("outside_ms", "errors", "varied", "workers", "samples_ms"),
}
in_process = pytest.mark.django_db


# What it finds.


@in_process
@pytest.mark.long
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
        "lessons": False,
    }
    assert [experiment["slug"] for experiment in result["experiments"]] == [
        "n-plus-one",
        "cache-page",
    ]
    for experiment in result["experiments"]:
        assert set(experiment) == {
            *(
                "slug",
                "knobs",
                "figure",
                "price",
                "clock",
                "variants",
                "best",
                "shown",
                "losers",
                "headline",
                "check",
                "not_judged",
                "ratio",
                "ratio_low",
                "ratio_high",
                "pairs",
                "rounds",
                "other_cores",
                "same_page",
                "differences",
            )
        }
        assert experiment["same_page"] is True
        assert experiment["not_judged"] == []
        assert (experiment["best"], experiment["shown"]["name"]) == ("fast", "fast")
        assert experiment["ratio_low"] <= experiment["ratio"] <= experiment["ratio_high"]
        assert experiment["pairs"] == sum(one["pairs"] for one in experiment["rounds"]) == 5
        assert 0 <= experiment["other_cores"] <= os.cpu_count()
        assert [variant["name"] for variant in experiment["variants"]] == ["slow", "fast"]
        for variant in experiment["variants"]:
            assert set(variant) == VARIANT_KEYS
            assert variant["runs"] == len(variant["samples_ms"]) == 5
            assert min(variant["samples_ms"]) <= variant["median_ms"] <= variant["p95_ms"]
            assert variant["cpu_ms"] <= variant["median_ms"] * 1.5
            assert variant["workers"] == 1


@in_process
@pytest.mark.long
def test_it_counts_what_the_experiments_promise(tmp_path):
    result = measured(tmp_path, "n-plus-one", "low-level-cache", *QUICK)

    (slow, fast), (uncached, cached) = (e["variants"] for e in result["experiments"])
    assert (slow["queries"], slow["duplicates"], fast["queries"]) == (11, 9, 1)
    assert (uncached["queries"], uncached["hits"]) == (2, 0)
    assert (cached["queries"], cached["hits"], cached["misses"]) == (1, 1, 0)
    assert all(variant["varied"] == [] for variant in (slow, fast, uncached, cached))
    assert slow["bytes"] == fast["bytes"] > 1000


@in_process
@pytest.mark.parametrize("cache", [with_cache(name) for name in settings.LAB_CACHES])
@pytest.mark.long
def test_in_a_cold_measurement_no_run_finds_anything_in_the_cache(tmp_path, cache):
    cold = measured(tmp_path, "low-level-cache", "cache-page", "--cold", f"--cache={cache}", *QUICK)

    for experiment in cold["experiments"]:
        fast = experiment["variants"][-1]
        assert (fast["queries"], fast["hits"], fast["varied"]) == (2, 0, [])
        assert fast["misses"] > 0
        assert experiment["same_page"]
    assert (cold["knobs"]["cache"], cold["knobs"]["cold"]) == (cache, True)


@in_process
@pytest.mark.long
def test_the_simulated_round_trip_is_added_to_each_query_and_labelled(tmp_path):
    result = measured(tmp_path, "n-plus-one", "--round-trip=1.5", *QUICK)

    slow, fast = result["experiments"][0]["variants"]
    assert slow["sql_ms"] >= 11 * 1.5
    assert 1.5 <= fast["sql_ms"] < slow["sql_ms"] / 3
    assert result["knobs"]["round_trip"] == 1.5
    assert "round trip 1.5 ms (simulated)" in report.describe_setup(result)


@in_process
@pytest.mark.long
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
@pytest.mark.long
def test_the_interval_is_of_the_samples_that_are_told(tmp_path):
    experiment = measured(tmp_path, "n-plus-one", "--movies=10", "--runs=25")["experiments"][0]

    slow, fast = (variant["samples_ms"] for variant in experiment["variants"])
    rounds = stats.split_rounds(slow, fast)
    found = stats.ratio_of_rounds(rounds)
    assert [one["pairs"] for one in experiment["rounds"]] == [2, 3] * 5
    assert [one["ratio"] for one in experiment["rounds"]] == [
        round(stats.median(first) / stats.median(last), 4) for first, last in rounds
    ]
    assert experiment["ratio"] == round(found.value, 4)
    assert (experiment["ratio_low"], experiment["ratio_high"]) == (
        round(found.low, 4),
        round(found.high, 4),
    )


@in_process
@pytest.mark.long
def test_two_variants_that_are_the_same_do_not_differ_measurably(monkeypatch):
    """An A/A run. One in twenty may differ by chance, so five chances are given."""
    change_view(monkeypatch, "n-plus-one", "fast", registry.get("n-plus-one").slow.view)

    experiment = registry.get("n-plus-one")
    variants = [replace(variant, queries=Queries(1, per_row=1)) for variant in experiment.variants]
    monkeypatch.setattr(experiment, "variants", tuple(variants))

    words = "11 → 11 queries, no measurable difference in time (ratio"
    assert any(words in measure("n-plus-one", *QUICK) for _ in "12345")


# That it measures truly.


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
    bar = os.read(leader, 1_000_000).decode(errors="replace")
    os.close(leader)

    assert done.returncode == 0
    assert json.loads(file.read_text())["lab"]["toolbar"] is False
    assert "fragment-trap" in bar  # that somebody at a terminal sees
    assert "━" in bar
    assert "━" not in done.stdout


# Gates.


@in_process
@pytest.mark.long
def test_a_ratio_that_is_high_enough_passes(tmp_path):
    result = measured(tmp_path, "n-plus-one", "--fail-under=n-plus-one=0.05", *QUICK)

    assert result["experiments"][0]["ratio"] >= 0.05


@in_process
@pytest.mark.long
def test_a_ratio_that_is_too_low_ends_with_status_one_and_the_figures(tmp_path):
    file = tmp_path / "measured.json"

    limits = ("--fail-under=n-plus-one=1000", "--fail-under=cache-page=0.01")
    line = refusal(1, "n-plus-one", "cache-page", *limits, *QUICK, f"--json={file}")

    assert re.fullmatch(r"n-plus-one: the ratio is [\d.]+, under 1000", line)
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
@pytest.mark.long
def test_pages_that_differ_end_with_status_one_and_are_shown(monkeypatch, tmp_path):
    def mutant(request, rows):
        response = real(request, rows)
        response.content = response.content.replace(b"<td>", b"<td>The ", 1)
        return response

    real = registry.get("n-plus-one").fast.view
    change_view(monkeypatch, "n-plus-one", "fast", mutant)
    output, file = StringIO(), tmp_path / "measured.json"

    with pytest.raises(CommandError, match="n-plus-one is not judged: The pages of") as failed:
        call_command("measure", "n-plus-one", *QUICK, "--json", str(file), stdout=output)

    assert failed.value.returncode == 1
    assert "fast: not the page of slow:" in output.getvalue()
    assert re.search(r"\+<td>The \w", output.getvalue())
    experiment = json.loads(file.read_text())["experiments"][0]
    assert experiment["same_page"] is False
    assert list(experiment["differences"]) == ["fast"]
    assert [reason["code"] for reason in experiment["not_judged"]] == ["pages_differ"]
    assert experiment["ratio"] is experiment["headline"] is None


@in_process
@pytest.mark.long
def test_a_page_that_is_wrong_only_now_and_then_is_noticed_too(monkeypatch):
    def mutant(request, rows):
        served.append(rows)
        response = real(request, rows)
        if len(served) == 7:
            response.content = response.content.replace(b"<td>", b"<td>The ", 1)
        return response

    served = []
    real = registry.get("n-plus-one").fast.view
    change_view(monkeypatch, "n-plus-one", "fast", mutant)

    assert "is not judged: The pages of" in refusal(1, "n-plus-one", *QUICK)


# What cannot be measured.


@in_process
@pytest.mark.long
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
        (["--movies=1851", "--round-trip=50"], "needs 1,852 queries"),
        (
            ["--cache=memory"],
            f"one of {', '.join(settings.LAB_CACHES)}, not 'memory'",
        ),
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


@pytest.mark.usefixtures("may_start_servers")
def test_on_the_command_line_too_it_is_one_line(tmp_path):
    done = command_line("--movies=abc", PERFLAB_VAR=str(tmp_path))

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "measure: argument --movies: invalid int value: 'abc'\n"


@in_process
def test_an_empty_database_is_told_what_to_run():
    Movie.objects.all().delete()

    line = refusal(2, "cache-page", *QUICK)

    assert line == "There are no films yet. Run `manage.py seed`. There are no results."


@pytest.mark.usefixtures("may_start_servers")
def test_a_database_without_tables_is_told_what_to_run(tmp_path):
    done = command_line("n-plus-one", PERFLAB_VAR=str(tmp_path), DATABASE_URL="")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "The database has no tables yet. Run `manage.py migrate`, then" in done.stderr


@in_process
@pytest.mark.long
def test_each_experiment_can_be_measured_where_its_lesson_shows(tmp_path):
    file = tmp_path / "results.json"

    measure("remote-calls", "deep-pages", "--lessons", "--runs=5", f"--json={file}")
    measure("remote-calls", "--lessons", "--movies=7", "--runs=5", f"--json={tmp_path / 'given'}")

    found = {e["slug"]: e["knobs"] for e in json.loads(file.read_text())["experiments"]}
    assert found["remote-calls"] == {"movies": 100, "round_trip": 0, "wait": 50}
    assert found["deep-pages"] == {"movies": 100, "round_trip": 0}  # there are too few films
    (given,) = json.loads((tmp_path / "given").read_text())["experiments"]
    assert given["knobs"] == {"movies": 7, "round_trip": 0, "wait": 50}


@in_process
def test_more_rows_than_there_are_are_refused():
    line = refusal(2, "fragment-trap", "--movies=2000", "--runs=5")

    assert "this page has 1,851 films to show" in line


@in_process
@pytest.mark.long
def test_what_was_measured_here_stands_on_the_contents_page(monkeypatch, tmp_path, client):
    monkeypatch.setattr(settings, "VAR", tmp_path)

    measure("n-plus-one", *QUICK)

    kept = json.loads((tmp_path / "results/n-plus-one.json").read_text())
    assert (kept["movies"], kept["round_trip"], kept["big"]) == (10, 0, "11 → 1 query")
    contents = client.get("/?guess=skip", SERVER_NAME="127.0.0.1").content.decode()
    assert "with 10 films" in contents
