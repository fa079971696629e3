"""Test serialise: which instances and columns each variant makes, and that all say the same."""

import pytest
from django.template import Context, Engine
from django.test import RequestFactory

from movies.experiments import serialise
from movies.models import Movie
from tests.support.experiments import address, rendered

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(monkeypatch):
    """The model instances that are made of rows."""
    instances = []
    from_db = Movie.from_db.__func__

    def recording(cls, db, names, values, **options):  # Django 6.1 has a fetch mode among them
        instances.append(list(names))
        return from_db(cls, db, names, values, **options)

    monkeypatch.setattr(Movie, "from_db", classmethod(recording))
    return instances


def test_values_makes_no_film_of_a_row(made):
    serialise.values(RequestFactory().get("/"), 10)

    assert made == []


def test_instances_are_made_with_all_their_columns(made):
    serialise.instances(RequestFactory().get("/"), 10)

    assert len(made) == 10
    assert "synopsis" in made[0]


def test_narrow_instances_are_made_with_what_is_shown(made):
    serialise.narrow(RequestFactory().get("/"), 10)

    assert len(made) == 10
    assert {"synopsis", "original_title"}.isdisjoint(made[0])


@pytest.mark.parametrize("variant", ["instances", "narrow", "values"])
def test_the_api_answers_with_json(client, variant):
    answer = client.get(address("serialise", variant, movies=10))

    movie = Movie.objects.select_related("director").order_by("id")[3]
    assert answer["Content-Type"] == "application/json"
    assert len(answer.json()["movies"]) == 10
    assert answer.json()["movies"][3] == {
        "id": movie.id,
        "title": movie.title,
        "year": movie.year,
        "minutes": movie.minutes,
        "director__name": movie.director.name,
    }


def test_the_template_shows_what_the_json_says(client):
    page = client.get(address("serialise", "template", movies=10)).content.decode()

    answer = client.get(address("serialise", "values", movies=10)).json()
    assert page.count("<tr><td>") == 10
    for movie in answer["movies"]:
        assert f"<tr><td>{movie['id']}</td>" in page


def test_an_include_in_a_loop_renders_a_template_for_each_row():
    row = "{{ movie.title }};"
    templates = {
        "inline": f"{{% for movie in movies %}}{row}{{% endfor %}}",
        "include": "{% for movie in movies %}{% include 'row' %}{% endfor %}",
        "row": row,
    }
    engine = Engine(loaders=[("django.template.loaders.locmem.Loader", templates)])
    movies = [{"title": "A"}] * 10

    with rendered() as names:
        page = engine.get_template("include").render(Context({"movies": movies}))

    assert names == ["include", *["row"] * 10]
    assert page == engine.get_template("inline").render(Context({"movies": movies}))
