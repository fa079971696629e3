"""Test inefficient-code: how often each variant looks at a film."""

import pytest
from django.test import RequestFactory

from movies.experiments import inefficient_code
from movies.models import Movie
from tests.support.experiments import address

pytestmark = pytest.mark.django_db


@pytest.fixture
def looked_at(monkeypatch):
    """How often a film is looked at, which every comparison does twice."""
    reads = []
    kind = inefficient_code.kind
    monkeypatch.setattr(inefficient_code, "kind", lambda film: reads.append(film) or kind(film))
    return reads


def steps(view, rows, looked_at):
    """How often films are looked at for a page."""
    looked_at.clear()
    view(RequestFactory().get("/"), rows)
    return len(looked_at)


def test_pairs_look_four_times_as_often_at_twice_the_films(looked_at):
    once = steps(inefficient_code.pairs, 20, looked_at)

    assert once >= 20 * 20
    assert steps(inefficient_code.pairs, 40, looked_at) == 4 * once


def test_a_dictionary_looks_at_each_film_twice_however_many_there_are(looked_at):
    assert steps(inefficient_code.dictionary, 20, looked_at) == 2 * 20
    assert steps(inefficient_code.dictionary, 40, looked_at) == 2 * 40


def test_the_database_counts_without_python(looked_at):
    assert steps(inefficient_code.database, 20, looked_at) == 0


def test_films_that_are_alike_are_counted_without_the_film_itself(client):
    films = list(Movie.objects.order_by("id")[:3])
    Movie.objects.filter(pk__in=[film.pk for film in films]).update(year=1999, minutes=95)
    Movie.objects.filter(pk=films[2].pk).update(minutes=89)  # another half hour

    page = client.get(address("inefficient-code", "dictionary", movies=3)).content.decode()

    assert [row.rpartition("<td>")[2] for row in page.split("</td></tr>")[:3]] == ["1", "1", "0"]
