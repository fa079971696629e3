"""Test get-in-a-loop: the order of the ids, ids without a film, and how in_bulk() splits a list."""

import re

import pytest
from django.db import connection

from movies.experiments import get_in_a_loop
from movies.models import Movie
from perflab.catalogue import registry
from tests.support.experiments import ROWS, page, statements

pytestmark = pytest.mark.django_db


def titles(text):
    return re.findall(r"<li>(.+)</li>", text)


@pytest.mark.parametrize("variant", ["loop", "case", "in-bulk"])
def test_the_films_come_in_the_order_of_the_list(variant, monkeypatch):
    films = {film.pk: f"{film.title} ({film.year})" for film in Movie.objects.filter(pk__lte=9)}
    monkeypatch.setattr(get_in_a_loop, "ids_from_elsewhere", lambda rows: [7, 2, 9, 4])

    shown = titles(page("get-in-a-loop", variant).replace("&#x27;", "'"))

    assert shown == [films[pk] for pk in (7, 2, 9, 4)]


def test_the_ids_are_not_in_the_order_in_which_the_films_are_stored():
    ids = get_in_a_loop.ids_from_elsewhere(ROWS)

    assert len(set(ids)) == ROWS
    assert ids != sorted(ids)


def test_an_id_without_a_film_is_left_out_of_the_dictionary(monkeypatch):
    monkeypatch.setattr(get_in_a_loop, "ids_from_elsewhere", lambda rows: [3, 10**9, 1])

    assert len(titles(page("get-in-a-loop", "in-bulk"))) == 2


def test_an_id_that_stands_twice_is_fetched_once(monkeypatch):
    monkeypatch.setattr(get_in_a_loop, "ids_from_elsewhere", lambda rows: [3, 1, 3])

    (statement,) = statements("get-in-a-loop", "in-bulk")

    assert statement.rpartition(" IN ")[2].count(",") == 1
    assert len(titles(page("get-in-a-loop", "in-bulk"))) == 3


@pytest.mark.parametrize("rows", [999, 1000])
def test_a_long_list_takes_as_many_queries_as_promised(rows):
    promise = registry.get("get-in-a-loop").variant("in-bulk").queries

    asked = statements("get-in-a-loop", "in-bulk", rows)

    limit = connection.features.max_query_params
    assert len(asked) == promise.at(rows) == (3 if limit and rows > limit else 2)
