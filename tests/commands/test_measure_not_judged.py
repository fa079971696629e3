"""Test that `manage.py measure` gives no verdict where it cannot stand behind one."""

import os
import signal
import threading

import pytest
from django.conf import settings

from movies.models import Country, Movie
from perflab.catalogue import registry
from perflab.compare import runner
from perflab.measure.stats import Ratio
from tests.support import services
from tests.support.measure_command import QUICK, change_view, measured, not_judged, refusal

in_process = pytest.mark.django_db


def codes(result):
    (experiment,) = result["experiments"]
    assert experiment["ratio"] is experiment["headline"] is experiment["best"] is None
    assert all(reason["what"] and reason["do"] for reason in experiment["not_judged"])
    return [reason["code"] for reason in experiment["not_judged"]]


@in_process
@pytest.mark.long
def test_pages_that_show_fewer_rows_than_asked_for(tmp_path):
    result = not_judged(tmp_path, "deep-pages", "--knob=page=1000", *QUICK)

    assert codes(result) == ["rows"]
    assert [variant["rows"] for variant in result["experiments"][0]["variants"]] == [0, 0, 0, 0]


@in_process
@pytest.mark.long
def test_a_variant_that_misses_its_promise(monkeypatch, tmp_path):
    def mutant(request, rows):
        Country.objects.count()
        return real(request, rows)

    real = registry.get("n-plus-one").fast.view
    change_view(monkeypatch, "n-plus-one", "fast", mutant)

    result = not_judged(tmp_path, "n-plus-one", *QUICK)

    assert codes(result) == ["promise"]
    assert result["experiments"][0]["not_judged"][0]["what"].startswith("Queries of fast: 2 in")


@in_process
@pytest.mark.long
def test_a_collection_that_changes_meanwhile(monkeypatch, tmp_path):
    def mutant(request, rows):
        Movie.objects.order_by("-id")[0].delete()
        return real(request, rows)

    real = registry.get("n-plus-one").fast.view
    change_view(monkeypatch, "n-plus-one", "fast", mutant)

    assert codes(not_judged(tmp_path, "n-plus-one", *QUICK)) == ["seeding"]


@in_process
@pytest.mark.long
def test_a_machine_whose_check_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(runner, "is_busy", lambda cores: True)
    monkeypatch.setattr(runner, "check_machine", lambda *args: Ratio(1.5, 1.2, 1.9))

    result = not_judged(tmp_path, "n-plus-one", *QUICK)

    assert codes(result) == ["machine_busy"]
    assert result["experiments"][0]["check"] == {"value": 1.5, "low": 1.2, "high": 1.9}


@in_process
@pytest.mark.long
def test_a_busy_machine_is_checked_by_a_variant_against_itself(monkeypatch, tmp_path):
    monkeypatch.setattr(runner, "is_busy", lambda cores: True)

    check = measured(tmp_path, "n-plus-one", *QUICK)["experiments"][0]["check"]

    assert check["low"] <= 1.05
    assert check["high"] >= 0.95


@in_process
def test_nothing_is_kept_for_the_contents_page(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "VAR", tmp_path)
    not_judged(tmp_path, "deep-pages", "--knob=page=1000", *QUICK)

    assert not (tmp_path / "results/deep-pages.json").exists()


@in_process
def test_a_gate_is_not_passed_by_a_run_without_a_verdict():
    line = refusal(1, "deep-pages", "--knob=page=1000", "--fail-under=deep-pages=0.0001", *QUICK)

    assert line.startswith("deep-pages is not judged: The page of slow shows 0 films, not the 10")


def test_a_frozen_cache(start_lab, own, tmp_path):
    server = own(services.Redis)
    lab = start_lab(REDIS_URL=server.url)
    server.freeze()

    result = not_judged(tmp_path, "cache-page", f"--url={lab.url}", *QUICK)

    assert codes(result) == ["cache_errors"]


def test_a_worker_that_is_replaced_meanwhile(start_lab, tmp_path):
    lab = start_lab(workers=3)
    before = lab.worker_pids()

    def replace_a_worker():
        services.wait_until(lambda: lab.log_text().count("/n-plus-one/") > 60, "the runs", 60)
        os.kill(before[0], signal.SIGTERM)

    replacing = threading.Thread(target=replace_a_worker)
    replacing.start()
    result = not_judged(tmp_path, "n-plus-one", f"--url={lab.url}", "--movies=10", "--runs=150")
    replacing.join()

    assert codes(result) == ["workers_changed"]
