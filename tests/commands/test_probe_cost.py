"""Test `manage.py probe_cost`: what it says, its JSON and its exit status."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from perflab.catalogue import registry
from perflab.load.overhead import served
from perflab.management.commands import probe_cost

pytestmark = pytest.mark.django_db


@pytest.fixture
def servers(monkeypatch):
    """Two servers that have been measured already: the lab takes a tenth longer than bare."""
    bare, lab = (
        served.Server(name, "/", [], {}, None, None, rates, cpu_us)
        for name, rates, cpu_us in (
            (served.BARE, [2000.0, 2100.0], [300.0, 310.0]),
            (served.LAB, [1900.0, 1995.0], [330.0, 341.0]),
        )
    )
    monkeypatch.setattr(served, "compare", lambda path, rounds: [bare, lab])
    return bare, lab


@pytest.fixture
def wide_budgets(monkeypatch):
    """Budgets for the probe that no machine exceeds: what it costs here is not the question."""
    for budget in ("REQUEST_BUDGET_US", "QUERY_BUDGET_US", "SHARE_BUDGET"):
        monkeypatch.setattr(probe_cost, budget, float("inf"))


@pytest.mark.long
def test_it_lists_every_part_and_the_comparison(servers, wide_budgets, settings, capsys):
    call_command("probe_cost", rounds=10, served_rounds=2)

    said = capsys.readouterr().out
    for path in settings.MIDDLEWARE:
        assert f"\n  {path.rpartition('.')[2]} " in said
    for part in ("access log", "scoreboard", "the probe, a query"):
        assert f"\n  {part} " in said
    assert "Django's own" in said
    assert "bare Django " in said
    assert "1,948 requests/s (0.95 of bare)" in said
    assert "adds  10.0% [10.0% to 10.0%], budget 15%" in said
    assert "cores busy meanwhile" in said


@pytest.mark.long
def test_the_json_holds_the_same(servers, wide_budgets, settings, capsys):
    call_command("probe_cost", "--json", rounds=10, served_rounds=2)

    costs = json.loads(capsys.readouterr().out)
    assert costs["version"] == 1
    assert len(costs["parts"]) == len(settings.MIDDLEWARE) + 2
    assert costs["probe"].keys() == {
        *("request_us", "query_us", "page", "page_ms", "queries", "share")
    }
    assert costs["served"][1] == {
        "name": "the lab",
        "requests_per_s": 1947.5,
        "cpu_us": 335.5,
        "of_bare_rate": 0.95,
        "added": 0.1,
        "added_interval": [0.1, 0.1],
    }
    assert costs["over_budget"] == []
    assert costs["other_cores"] >= 0


@pytest.mark.long
def test_it_fails_over_budget_and_says_what_is(servers, wide_budgets, capsys):
    _, lab = servers
    lab.cpu_us[:] = [346.0, 380.0]  # 15 % of a bare response, and more

    with pytest.raises(CommandError, match=r"over budget: the lab\. Try again") as failure:
        call_command("probe_cost", "--json", rounds=10, served_rounds=2)

    assert failure.value.returncode == 1
    assert json.loads(capsys.readouterr().out)["over_budget"] == ["the lab"]


@pytest.mark.long
def test_it_blames_nothing_where_the_rounds_disagree(servers, wide_budgets, capsys):
    _, lab = servers
    lab.cpu_us[:] = [320.0, 434.0]  # 7 % and 40 % more than bare

    call_command("probe_cost", rounds=10, served_rounds=2)

    assert "adds  23.3% [6.7% to 40.0%], budget 15%" in capsys.readouterr().out


@pytest.mark.parametrize("slug", [experiment.slug for experiment in registry.runnable()])
def test_every_variant_called_bare_answers_ok(client, slug):
    for variant in registry.get(slug).variants:
        if variant.name == "bare":
            assert client.get(reverse("variant", args=[slug, "bare"])).content == b"ok"


def test_the_lab_is_compared_at_a_bare_response(client):
    assert client.get(probe_cost.find_bare_path()).content == b"ok"


@pytest.mark.parametrize("budget", ["REQUEST_BUDGET_US", "QUERY_BUDGET_US", "SHARE_BUDGET"])
@pytest.mark.long
def test_it_fails_when_the_probe_is_over_budget(wide_budgets, monkeypatch, budget):
    # On a busy machine a cost, the difference of two measurements, can be far below zero.
    monkeypatch.setattr(probe_cost, budget, float("-inf"))

    with pytest.raises(CommandError, match="over budget: the probe"):
        call_command("probe_cost", rounds=10, served_rounds=0)


@pytest.mark.long
def test_without_rounds_no_server_is_started(monkeypatch, wide_budgets, capsys):
    monkeypatch.setattr(served, "compare", None)

    call_command("probe_cost", rounds=10, served_rounds=0)

    assert "Served by Gunicorn" not in capsys.readouterr().out
