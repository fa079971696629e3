"""Test duplicates: what a join does to the number, what DISTINCT compares, and the plans."""

import re

import pytest
from django.db import connection

from movies.models import Movie, Review
from perflab.catalogue import registry
from tests.support.experiments import page, plan, statements

pytestmark = pytest.mark.django_db

ONCE = ("distinct", "in", "exists")


def number(variant):
    """The number of films that a page names."""
    found = re.search(r'<p class="lead">([\d,]+) films</p>', page("duplicates", variant))
    return int(found[1].replace(",", ""))


def test_a_film_is_counted_once_but_by_the_bare_join():
    good = Review.objects.filter(score__gte=9).values_list("movie", flat=True)
    films = set(good)

    assert {variant: number(variant) for variant in ONCE} == dict.fromkeys(ONCE, len(films))
    assert number("joined") == len(good) > len(films)
    assert registry.get("duplicates").count() == len(films)


def test_the_bare_join_shows_a_film_again():
    def titles(variant):
        return re.findall(r"<li>(.+)</li>", page("duplicates", variant))

    assert len(set(titles("joined"))) < len(titles("joined"))
    assert len(set(titles("distinct"))) == len(titles("distinct"))


def test_distinct_compares_all_columns_even_to_count():
    counting = statements("duplicates", "distinct")[0]

    assert "COUNT(" in counting
    assert "SELECT DISTINCT" in counting
    assert all(f'"{field.column}"' in counting for field in Movie._meta.concrete_fields)


def test_the_databases_plan_them_as_the_explanation_says():
    plans = {variant: plan(statements("duplicates", variant)[0]) for variant in ONCE}

    if connection.vendor == "sqlite":
        assert "SCAN movies_movie USING INDEX" in plans["distinct"]
        assert "LIST SUBQUERY" in plans["in"]
        assert "CORRELATED SCALAR SUBQUERY" in plans["exists"]
    else:
        nodes = {name: re.findall(r"(?:->  |^)(\w+ \w+)", text) for name, text in plans.items()}
        assert re.search("Unique|HashAggregate", plans["distinct"])
        assert nodes["in"] == nodes["exists"]


def test_on_sqlite_an_index_gives_equal_rows_one_after_the_other():
    page_of_films = plan(statements("duplicates", "distinct")[1])

    if connection.vendor == "sqlite":
        assert "USING INDEX movie_year_id" in page_of_films
        assert "B-TREE FOR ORDER BY" not in page_of_films
    else:
        assert "Sort" in page_of_films
