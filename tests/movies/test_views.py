"""Test the plain movie site: films, search, directors and the visitor's name."""

import re

import pytest
from django.test import Client

from movies.experiments import lost_update
from movies.models import Director, Movie
from perflab import caches
from perflab.catalogue import registry
from tests.support.figures import queries

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1")


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


@pytest.mark.parametrize(("name", "statuses"), [("cached", [200, 403]), ("protected", [200, 200])])
def test_two_browsers_send_the_form(name, statuses):
    caches.flush("")
    path = f"/forms/{name}/"
    found = []

    for browser in (Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)):
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(path).text)[1]
        found.append(browser.post(path, {"csrfmiddlewaretoken": token}))

    assert [answer.status_code for answer in found] == statuses
    assert "The form was taken" in found[0].text


@pytest.mark.parametrize("name", [v.name for v in registry.get("lost-update").variants])
def test_one_browser_alone_loses_no_vote(client, name, monkeypatch):
    pauses = []
    monkeypatch.setattr(lost_update, "sleep", pauses.append)

    before = client.get(f"/votes/{name}/")
    after = [client.post(f"/votes/{name}/") for _ in range(2)]

    assert "The poll has <strong data-answer>0 votes</strong>." in before.text
    assert "<strong data-answer>2 votes</strong>" in after[1].text
    assert "It had 1 when your vote began." in after[1].text
    assert pauses == [2, 2]


def test_only_a_local_visitor_votes_and_only_as_a_variant_does(client, settings):
    assert client.get("/votes/luck/").status_code == 404

    settings.LOCAL = "never"

    assert client.get("/votes/saved/").status_code == 200
    assert client.post("/votes/saved/").status_code == 403
