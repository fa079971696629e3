"""The plain movie site, the contents and the state of the lab."""

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from movies.models import Director, Movie
from perflab.catalogue import registry
from perflab.measure import server_timing
from tests.labs import manage

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


def visit(path, **environment):
    """Status and page of an address, asked in a process of its own with that environment."""
    script = (
        "from django.test import Client\n"
        f"response = Client(SERVER_NAME='127.0.0.1').get({path!r})\n"
        "print(response.status_code, response.content.decode())"
    )
    return manage("shell", "--no-imports", "-c", script, **environment)


def queries(response):
    return server_timing.load(response["Server-Timing"])["queries"]


def test_contents_list_every_experiment_under_the_three_acts(client):
    response = client.get("/")

    page = response.content.decode()
    assert page.index("Measure first") < page.index("Do more") < page.index("Do less")
    for experiment in registry.experiments.values():
        assert f'href="/experiments/{experiment.slug}/"' in page
        assert escape(experiment.title) in page
    assert queries(response) == 0


def test_films_are_paged_by_year(client):
    response = client.get("/films/")

    page = response.content.decode()
    assert "1,851 films" in page
    assert "Page 1 of 38" in page
    assert page.count('<span class="year">1946</span>') > 10
    assert queries(response) == 2


def test_the_last_page_holds_the_rest_and_no_next(client):
    page = client.get("/films/?page=38").content.decode()

    assert page.count('<span class="year">') == 1
    assert 'rel="next"' not in page


@pytest.mark.parametrize(
    ("words", "title"),
    [("brief encounter", "Brief Encounter"), ("Amanti", "The Lovers"), ("lean", "Brief Encounter")],
)
def test_search_finds_titles_original_titles_and_directors(client, words, title):
    assert title in client.get("/films/", {"q": words}).content.decode()


def test_search_keeps_its_words_from_page_to_page(client):
    page = client.get("/films/", {"q": "the"}).content.decode()

    assert "?q=the&amp;page=2" in page


def test_a_search_for_nothing_known_says_so(client):
    assert "0 films with “zzzz”" in client.get("/films/", {"q": "zzzz"}).content.decode()


def test_a_film_shows_its_facts_and_labels_what_is_synthesised(client):
    movie = Movie.objects.get(imdb_id="tt0038297")

    response = client.get(movie.get_absolute_url())

    page = response.content.decode()
    for fact in (
        "The Lovers",
        "Amanti in fuga",
        "1946",
        "90 minutes",
        "Giacomo Gentilomo",
        "Italy",
    ):
        assert fact in page
    assert page.count('<em class="label">synthesised</em>') == 2
    assert queries(response) == 3


def test_a_synthetic_film_is_labelled(client):
    movie = Movie.objects.first()
    movie.imdb_id = None
    movie.save()

    assert "synthetic film" in client.get(movie.get_absolute_url()).content.decode()
    assert "synthetic</em>" in client.get("/films/").content.decode()


def test_a_director_lists_the_films(client):
    director = Director.objects.get(name="David Lean")

    response = client.get(director.get_absolute_url())

    assert "Brief Encounter" in response.content.decode()
    assert queries(response) == 2


def test_a_visitor_is_greeted_by_name_outside_the_cached_fragment(client):
    for variant in ("slow", "fast"):
        client.get(f"/experiments/template-fragment/{variant}/")
    other = Client(SERVER_NAME="127.0.0.1")
    other.post("/visitor/", {"name": "Ada <Lovelace>"})

    for variant in ("slow", "fast"):
        path = f"/experiments/template-fragment/{variant}/"
        assert "Welcome, guest." in client.get(path).content.decode()
        assert "Welcome, Ada &lt;Lovelace&gt;." in other.get(path).content.decode()


def test_the_catalogue_names_every_variant_and_what_it_promises(client):
    catalogue = json.loads(client.get("/experiments.json").content)

    assert [e["slug"] for e in catalogue["experiments"]] == [e.slug for e in registry.runnable()]
    assert set(catalogue["elsewhere"]) == {
        e.slug for e in registry.experiments.values() if not e.runs_here
    }
    first = catalogue["experiments"][0]
    assert first["variants"][0] == {
        "name": "slow",
        "url": "/experiments/n-plus-one/slow/",
        "differs": "",
        "revalidates": False,
        "reference": False,
        "body": "html",
        "queries": dict.fromkeys(("cold", "warm"), {"base": 1, "per_row": 1, "batch": 0}),
    }
    for experiment in catalogue["experiments"]:
        for variant in experiment["variants"]:
            assert client.get(variant["url"] + "?movies=3").status_code == 200
    assert set(catalogue["knobs"]) == {"movies", "round_trip", "cache", "cold"}


def test_the_ends_of_a_ladder_are_found_at_their_own_address(client):
    ladder = "/experiments/what-to-cache/"
    last = registry.get("what-to-cache").fast

    response = client.get(ladder + "fast/?movies=3")

    assert last.site_cache  # what serves it is found by the variant's own address
    assert response.status_code == 302
    assert response["Location"] == f"{ladder}{last.name}/?movies=3"


def test_health_names_each_part(client):
    state = json.loads(client.get("/health/").content)

    assert state["status"] == "ok"
    assert state["database"] == {"vendor": connection.vendor, "state": "up"}
    assert set(state["caches"].values()) == {"up"}


def test_a_database_without_tables_is_told_what_to_run(tmp_path):
    output = visit("/films/", DATABASE_URL="", PERFLAB_VAR=str(tmp_path))

    assert output.startswith("503")
    assert "The database has no tables yet" in output
    assert "manage.py migrate" in output


def test_what_needs_no_database_is_served_without_one(tmp_path):
    assert visit("/", DATABASE_URL="", PERFLAB_VAR=str(tmp_path)).startswith("200")


def test_the_probe_and_django_count_the_same(client):
    with CaptureQueriesContext(connection) as captured:
        response = client.get("/experiments/reverse-relation/slow/?movies=12")

    assert queries(response) == len(captured) == 13


def test_collected_modules_import_each_other_by_their_hashed_names(tmp_path):
    manage("collectstatic", "--noinput", PERFLAB_VAR=str(tmp_path))

    names = json.loads((tmp_path / "static/staticfiles.json").read_text())["paths"]
    module = (tmp_path / "static" / names["perflab/compare.js"]).read_text()
    imported = set(re.findall(r'from "\./([\w.]+)"', module))
    assert len(imported) > 3
    assert imported <= {name.removeprefix("perflab/") for name in names.values()} - names.keys()
    assert not imported & {name.removeprefix("perflab/") for name in names}
