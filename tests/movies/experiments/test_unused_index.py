"""Test unused-index: which questions the databases answer by an index, and which they do not."""

import re

import pytest
from django.db import connection
from django.db.models.functions import Upper

from movies.experiments.unused_index import TYPED
from movies.models import Draft, Movie
from perflab.catalogue import registry
from tests.support.experiments import page, plan, statements

pytestmark = pytest.mark.django_db

INDEX = {"functional": "movie_lower_imdb_id", "exact": "imdb_id"}


@pytest.mark.parametrize("variant", ["iexact", "ending", "number"])
def test_all_films_are_read(variant):
    found = plan(statements("unused-index", variant)[0])

    whole = "SCAN movies_movie" if connection.vendor == "sqlite" else "Seq Scan on movies_movie"
    assert whole in found
    assert "INDEX" not in found
    assert "Index" not in found


@pytest.mark.parametrize("variant", ["functional", "exact"])
def test_an_index_leads_to_the_film(variant):
    found = plan(statements("unused-index", variant)[0])

    if connection.vendor == "sqlite":
        assert "SEARCH movies_movie USING INDEX" in found
    else:
        assert "Index Scan using" in found
    assert INDEX[variant] in found


def test_an_index_on_upper_helps_iexact_on_postgresql_alone():
    def asked():
        return plan(statements("unused-index", "iexact")[0])

    before = asked()
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX of_upper ON movies_movie (UPPER(imdb_id))")
        cursor.execute("ANALYZE movies_movie")

    assert "of_upper" not in before
    assert ("of_upper" in asked()) == (connection.vendor == "postgresql")
    capitals = Movie.objects.alias(capitals=Upper("imdb_id")).filter(capitals=TYPED)
    assert "of_upper" in capitals.explain()  # it can be used on either database


def test_the_beginning_of_a_value_is_looked_up_on_postgresql_alone():
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which reads a small table as a whole
            cursor.execute("SET LOCAL enable_seqscan = off")

    found = Movie.objects.filter(imdb_id__startswith=TYPED.lower()[:6]).explain()

    if connection.vendor == "sqlite":
        assert "SCAN movies_movie" in found
    else:
        assert re.search(r"movies_movie_imdb_id_\w+_like", found)


def test_a_date_is_computed_from_each_row_and_a_year_is_a_range():
    asked = {
        "date": str(Draft.objects.filter(made__date="2026-11-26").query),
        "year": str(Draft.objects.filter(made__year=2026).query),
    }

    column = '"movies_draft"."made"'
    assert f"WHERE {column} BETWEEN" in asked["year"]
    assert f"WHERE {column}" not in asked["date"]


def test_the_film_has_reviews_enough_for_a_page():
    film = Movie.objects.get(imdb_id=TYPED.lower())

    assert film.title in page("unused-index", "iexact")
    assert registry.get("unused-index").count() == film.reviews.count() > 100
