"""Test whether a lesson is said to show: in its own figure, the right way, beyond doubt."""

import pytest

from perflab.catalogue import registry
from perflab.catalogue.registry import Setting
from perflab.compare import lessons
from perflab.compare.clients import in_process

# Lessons of which each figure is one, quick enough for every run of the suite. By time: one whose
# difference is far beyond what a busy machine adds.
SLUGS = ["n-plus-one", "many-to-many", "remote-calls", "stale-page"]
SLUGS += [pytest.param(s, marks=pytest.mark.exhaustive) for s in ("inefficient-code", "payload")]


def result(first, best, key="median_ms", of_first=10.0, of_best=10.0, between=None):
    """A result of two or three variants; each runs 20 times, in about so many ms."""
    found = []
    for name, value, ms in (("slow", first, of_first), ("fast", best, of_best)):
        times = [ms * (1 + number % 5 / 100) for number in range(20)]
        found.append({"name": name, "reference": False, key: value, "samples_ms": times})
    if between:
        found.insert(1, {**found[0], **between})
    return {"variants": found}


@pytest.mark.parametrize(
    ("figure", "measured", "shows"),
    [
        ("time", result(10.0, 5.0, of_best=5.0), True),
        ("time", result(10.0, 10.0), False),
        ("time", result(10.0, 20.0, of_best=20.0), False),  # the wrong direction
        ("queries", result(101, 1, "queries"), True),
        ("queries", result(2, 2, "queries", of_best=5.0), False),  # faster, but not for its queries
        ("queries", result(2, 101, "queries"), False),
        ("bytes", result(72_000, 4_000, "bytes"), True),
        ("bytes", result(4_010, 4_000, "bytes"), False),  # gzip adds random bytes
        ("cpu_time", result(13.4, 3.9, "cpu_ms"), True),  # whatever the machine did meanwhile
        ("cpu_time", result(13.4, 12.0, "cpu_ms", of_best=2.0), False),
        ("memory", result(None, 4_000, "memory_peak"), None),
        ("time", result(10.0, 9.0, of_best=9.0, between={"name": "middle"}), True),
    ],
)
def test_a_lesson_shows_where_its_own_figure_is_better(figure, measured, shows):
    found = lessons.judge_lesson(figure, measured)

    assert found.shows is shows
    assert "time ratio" in found.words


@pytest.mark.django_db(databases="__all__")
def test_the_catalogue_tells_the_setting(client):
    told = client.get("/experiments.json").json()["experiments"]

    by_slug = {experiment["slug"]: experiment["lesson"] for experiment in told}
    assert by_slug["n-plus-one"]["knobs"] == {"movies": 100, "round_trip": 0}
    deep = by_slug["deep-pages"]
    assert (deep["films"], deep["films_there"]) == (100_000, 1851)
    assert deep["knobs"] == {"movies": 100, "round_trip": 0, "page": 1000}


@pytest.mark.django_db(databases="__all__")
def test_a_lesson_that_needs_more_films_is_not_measured(client):
    told = client.get("/experiments.json").json()["experiments"]
    (deep,) = (experiment for experiment in told if experiment["slug"] == "deep-pages")

    found = lessons.check_lesson(None, deep, runs=5)

    assert (found.shows, found.words) == (
        None,
        "needs 100,000 films: manage.py seed --movies 100000",
    )


@pytest.mark.usefixtures("may_start_servers")  # it starts none, but is too long for --quick
@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("slug", SLUGS)
def test_a_lesson_shows_at_its_setting(slug):
    from perflab.compare import lab_pages

    with in_process() as client:
        (told,) = (e for e in lab_pages.read_catalogue(client)["experiments"] if e["slug"] == slug)
        found = lessons.check_lesson(client, told, runs=10)
        found = found if found.shows else lessons.check_lesson(client, told, runs=20)

    assert found.shows, found.words


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.django_db(databases="__all__")
def test_a_setting_where_nothing_shows_is_found_out(monkeypatch, capsys):
    from django.core.management import CommandError, call_command

    experiment = registry.get("many-to-many")
    monkeypatch.setattr(experiment, "lesson", Setting(movies=1))

    with pytest.raises(CommandError, match="lessons that do not show: many-to-many"):
        call_command("verify", "many-to-many", "--lessons", "--runs=5")

    assert "FAIL" in capsys.readouterr().out
