"""Test how runs are read from their files: of two versions, and with anything wrong in them."""

import json
from datetime import UTC, datetime

import pytest

from perflab.base.record import Malformed
from perflab.load import model
from perflab.load.curves import both_charts, charts, differences
from tests.support.load_runs import AUTOSCALE, full_run, point, spoiled_documents


@pytest.mark.parametrize("kind", ["load", "classes", "tuning"])
def test_a_run_is_read_as_it_was_written(kind):
    run = full_run(kind)

    text = json.dumps(run.to_json())

    assert model.Run.from_json(json.loads(text)) == run
    assert json.loads(text)["version"] == 2
    assert ("kind" in json.loads(text)) is (kind != "load")


def test_an_auto_scalers_run_is_read_as_it_was_written():
    run = model.Run.from_json(AUTOSCALE)

    written = run.to_json()

    assert {name: written[name] for name in AUTOSCALE if name not in ("version", "lab")} == {
        name: value for name, value in AUTOSCALE.items() if name not in ("version", "lab")
    }
    assert AUTOSCALE["lab"].items() <= written["lab"].items()
    assert "points" not in written


def test_a_file_of_version_one_calls_the_variant_a_side():
    point = {"side": "slow", "users": 1, "requests": 5, "requests_per_s": 2.5}
    document = {"version": 1, "id": "a", "points": [point], "now": {"side": "slow"}}

    run = model.Run.from_json(document)

    assert run.points[0].variant == run.progress.variant == "slow"
    assert run.to_json()["points"][0]["variant"] == "slow"


@pytest.mark.parametrize(
    ("kind", "command", "today"),
    [
        ("tuning", "manage.py load --tuning --rounds 4", "manage.py tune --rounds 4"),
        ("tuning", "manage.py load n-plus-one --tuning --slow", "manage.py tune n-plus-one --slow"),
        ("classes", "manage.py load --classes --users 8", "manage.py compare_classes --users 8"),
        ("load", "manage.py load io-bound", "manage.py load io-bound"),
    ],
)
def test_a_file_of_version_one_is_measured_again_by_the_commands_of_today(kind, command, today):
    document = {"version": 1, "id": "a", "kind": kind, "command": command}

    assert model.Run.from_json(document).command == today


@pytest.mark.parametrize("version", [None, 0, 3, "1", True, [], {}])
def test_another_version_is_no_run(version):
    with pytest.raises(Malformed):
        model.Run.from_json({"id": "a", "version": version})


@pytest.mark.parametrize("data", [None, [], "x", 7])
def test_what_is_no_object_is_no_run(data):
    with pytest.raises(Malformed):
        model.Run.from_json(data)


def test_what_a_file_lacks_has_its_default_and_what_is_unknown_is_passed_over():
    run = model.Run.from_json({"version": 2, "id": "a", "new": 7, "points": [{"newer": 8}]})

    assert (run.state, run.points, run.costs, run.duration_s) == ("", [], {}, None)
    assert run.machine.cores is None
    assert model.Run.from_json({"version": 2, "id": "a", "kind": "classes"}).scenario == "classes"


@pytest.mark.parametrize(
    ("value", "read"),
    [(7, 7), (7.5, 7.5), (0, 0), (-7, None), ("7", None), (True, None), ([7], None), ({}, None)]
    + [(float("nan"), None), (float("inf"), None), (10**400, None), (1e300, None)],
)
def test_only_numbers_that_can_be_drawn_are_read(value, read):
    data = {"users": 1, "requests": 1, "requests_per_s": 1, "p95_ms": value}

    assert model.Point.from_json(data).p95_ms == read


def test_an_error_by_littles_law_may_be_negative():
    data = {"users": 1, "requests": 1, "requests_per_s": 1, "little_error": -0.25}

    assert model.Point.from_json(data).little_error == -0.25


def test_malformed_parts_of_a_list_are_left_out():
    good = point(19).to_json()
    points = [good, 3, None, [], {}, {"requests": 5}, {**good, "requests": "5"}]

    run = model.Run.from_json({"version": 2, "id": "a", "points": points})

    assert run.points == [point(19)]


def test_a_date_is_one_or_none():
    def date_of(text):
        return model.Run.from_json({"version": 2, "id": "a", "date": text}).date

    assert date_of("2026-01-01T12:00:00+00:00") == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert date_of("yesterday") is date_of(7) is date_of(None) is None


@pytest.mark.parametrize("documents", [60, pytest.param(600, marks=pytest.mark.exhaustive)])
def test_whatever_stands_in_a_file_is_drawn_and_compared(documents):
    drawn = 0
    for document in spoiled_documents(documents):
        run = model.Run.from_json(document)

        found = charts(run)

        both_charts(run, full_run())
        differences(run, full_run())
        again = model.Run.from_json(json.loads(json.dumps(run.to_json())))
        assert model.Run.from_json(again.to_json()) == again
        assert "nan" not in "".join(found.values()).lower()
        drawn += bool(found)
    assert drawn > documents / 6  # much of it can still be drawn


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_date_beyond_the_calendar_in_another_time_zone_is_none(date):
    data = full_run().to_json() | {"date": date}

    assert model.Run.from_json(data, id="x").date is None
