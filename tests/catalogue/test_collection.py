"""Test that the lab knows how many rows there are, and asks the database when nobody measures."""

import os
from dataclasses import replace

import pytest
from django.db import Error as DatabaseError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from movies import seeding
from movies.models import Movie, Seeding
from perflab.catalogue import collection, registry
from perflab.catalogue.collection import Collection

FAST = "/experiments/n-plus-one/fast/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def var(settings, tmp_path):
    """A folder without records."""
    settings.VAR = tmp_path


@pytest.fixture
def visitor():
    return Client(SERVER_NAME="127.0.0.1")


def delete_films_from(first):
    Movie.objects.filter(id__gte=first).delete()
    Seeding.objects.update(movies=first - 1)


def counted(monkeypatch):
    """Return a list that gets an entry whenever the films are counted."""
    calls = []

    def count():
        calls.append(1)
        return seeding.count_films()

    monkeypatch.setattr(collection, "source", replace(collection.source, count=count))
    return calls


def test_the_record_says_how_many_films_there_are_and_how_many_other_rows():
    found = collection.renew()

    assert found == collection.read()
    assert (found.films, found.grows) == (1851, True)
    assert found.most_rows(registry.get("n-plus-one")) == 1851
    assert found.most_rows(registry.get("reverse-relation")) == 1035


def test_no_record_is_no_knowledge():
    assert collection.read() is None
    assert collection.most_rows(registry.get("n-plus-one")) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"films": "many"}', '{"films": 3, "rows": []}'])
def test_a_record_that_cannot_be_read_is_none(text):
    collection.renew()
    collection.record_path().write_text(text)

    assert collection.read() is None
    assert collection.renew().films == collection.read().films == 1851


def test_a_change_of_the_record_is_seen_at_once_as_another_process_would_make_it():
    collection.renew()
    assert collection.read().films == 1851

    other = collection.record_path().with_name("draft")
    other.write_text(collection.record_path().read_text().replace("1851", "100000"))
    os.replace(other, collection.record_path())

    assert collection.read().films == 100_000


def test_a_measured_request_runs_no_query_for_the_limit_and_asks_for_the_record_once(
    visitor, monkeypatch
):
    collection.renew()
    calls = counted(monkeypatch)
    visitor.get(f"{FAST}?movies=10")  # reads the record
    stats = []
    stat = os.stat
    monkeypatch.setattr(collection.os, "stat", lambda path: stats.append(path) or stat(path))

    with CaptureQueriesContext(connection) as queries:
        answer = visitor.get(f"{FAST}?movies=10")

    records = [path for path in stats if str(path) == str(collection.record_path())]
    assert (len(queries), len(records), calls) == (1, 1, [])
    assert answer.headers["Server-Timing"].count("queries;") == 1


@pytest.mark.parametrize("path", [FAST, "/experiments/n-plus-one/"])
def test_more_films_than_there_are_are_refused_with_their_number(visitor, path):
    collection.renew()

    assert visitor.get(f"{path}?movies=1851").status_code == 200
    refused = visitor.get(f"{path}?movies=1852")

    assert refused.status_code == 400
    assert "from 1 to 1,851, not 1,852" in refused.content.decode()
    assert "this page has 1,851 films to show" in refused.content.decode()


@pytest.mark.parametrize("variant", ["", "slow/", "fast/"])
def test_rows_that_are_no_films_end_at_their_own_number(visitor, variant):
    collection.renew()
    path = f"/experiments/reverse-relation/{variant}"

    refused = visitor.get(f"{path}?movies=1036")

    assert visitor.get(f"{path}?movies=1035").status_code == 200
    assert refused.status_code == 400
    assert "this page has 1,035 directors to show" in refused.content.decode()


def test_forms_and_catalogue_tell_the_limit(visitor):
    page = visitor.get("/experiments/reverse-relation/").content.decode()
    catalogue = visitor.get("/experiments.json").json()

    assert 'max="1035"' in page
    assert catalogue["collection"]["films"] == 1851
    assert catalogue["knobs"]["movies"] == {"min": 1, "max": 1851, "default": 100}
    most = {experiment["slug"]: experiment["most_rows"] for experiment in catalogue["experiments"]}
    assert (most["n-plus-one"], most["reverse-relation"]) == (1851, 1035)


def test_an_old_record_refuses_nobody(visitor):
    collection.renew()
    path = collection.record_path()
    path.write_text(path.read_text().replace("1851", "20"))

    assert visitor.get(f"{FAST}?movies=30").status_code == 200
    assert collection.read().films == 1851


@pytest.mark.parametrize("path", ["/experiments/n-plus-one/", "/experiments.json"])
def test_films_written_from_elsewhere_are_counted_by_the_next_page(visitor, path):
    collection.renew()
    delete_films_from(51)

    visitor.get(path)

    assert collection.read().films == 50
    assert visitor.get(f"{FAST}?movies=51").status_code == 400


def test_fewer_films_than_the_default_lower_the_default(visitor):
    delete_films_from(51)
    collection.renew()

    page = visitor.get("/experiments/n-plus-one/").content.decode()

    assert 'name="movies" value="50"' in " ".join(page.split())
    assert visitor.get(FAST).content.decode().count("<tr><td>") == 50


def test_deleted_films_are_counted_though_nobody_told_the_lab():
    collection.renew()
    Movie.objects.filter(id__gt=1800).delete()

    assert collection.renew().films == 1800


def test_an_empty_collection_is_told_so_and_measured_nowhere(visitor):
    collection.renew()
    Movie.objects.all().delete()
    Seeding.objects.all().delete()

    page = visitor.get("/experiments/n-plus-one/").content.decode()
    variant = visitor.get(FAST)

    assert "There are no films yet" in page
    assert '<div class="controls" data-controls hidden>' in page
    assert variant.status_code == 503
    assert "There are no films yet" in variant.content.decode()


def test_without_a_database_a_page_says_what_the_record_says(visitor, monkeypatch):
    collection.renew()

    def fail():
        raise DatabaseError

    monkeypatch.setattr(collection, "source", replace(collection.source, count=fail))

    page = visitor.get("/experiments/n-plus-one/")

    assert page.status_code == 200
    assert 'max="1851"' in page.content.decode()


def test_every_database_has_a_record_of_its_own(monkeypatch, settings):
    here = collection.record_path()
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", "another")

    assert collection.record_path() != here


def test_more_rows_take_more_films():
    found = Collection(films=1851, rows={"reverse-relation": 1035})

    assert found.films_for(registry.get("n-plus-one"), 3000) == 3000
    assert found.films_for(registry.get("reverse-relation"), 2000) == 3600


def test_the_time_to_more_films_follows_from_the_last_run_on_this_machine(
    django_capture_on_commit_callbacks,
):
    assert collection.renew().seconds_to(100_000) is None
    with django_capture_on_commit_callbacks(execute=True):
        seeding.renew_record(seeding.work(1851, 10_000) / 2)  # which took 2 s

    again = collection.renew(always=True)

    assert again.seconds_to(10_000) == pytest.approx(2)
    assert again.seconds_to(100_000) == pytest.approx(2 * 98_149 / 8_149)
