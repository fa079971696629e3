"""Test expensive-count: who counts how far, and how each variant knows of a next page."""

import re

import pytest
from django.core.paginator import Paginator
from django.db import connection
from django.test import Client

from movies.models import Movie
from tests.support.experiments import page_of, plan, statements_of

here = pytest.mark.django_db(databases="__all__")
VARIANTS = ("slow", "capped", "fast")


@pytest.fixture
def client():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


@here
def test_one_variant_counts_all_and_one_up_to_a_limit(client):
    counted, capped, neither = (
        statements_of(client, "expensive-count", variant, movies=10) for variant in VARIANTS
    )

    assert "COUNT(*)" in counted[0]
    assert "LIMIT" not in counted[0]
    assert "COUNT(*) FROM (SELECT" in capped[0]
    assert "LIMIT 101" in capped[0]
    assert "ORDER BY" not in capped[0]  # to sort them it would have to find them all
    assert "COUNT(" not in " ".join(neither)
    assert "LIMIT 11" in neither[0]


@here
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_knows_whether_there_is_a_next_page(client, variant):
    there = Movie.objects.filter(minutes__gte=90).count()

    before_the_last = page_of(client, "expensive-count", variant, movies=there - 1)
    the_last = page_of(client, "expensive-count", variant, movies=there)

    assert "There are more." in before_the_last
    assert "There are more." not in the_last
    assert before_the_last.count("<li>") == there - 1
    assert the_last.count("<li>") == there


@here
def test_what_each_page_says_of_the_number(client):
    there = Movie.objects.filter(minutes__gte=90).count()
    says = {variant: page_of(client, "expensive-count", variant) for variant in VARIANTS}
    few = page_of(client, "expensive-count", "capped", movies=200)

    assert f'<p class="lead">{there:,} films</p>' in says["slow"]
    assert '<p class="lead">More than 1,000 films</p>' in says["capped"]
    assert '<p class="lead">' not in says["fast"]
    assert f'<p class="lead">{there:,} films</p>' in few  # fewer than ten pages


@here
def test_a_filtered_count_reads_the_table_and_sqlite_counts_all_films_by_an_index(client):
    counted, _ = statements_of(client, "expensive-count", "slow")

    assert re.search(r"SCAN movies_movie$|Seq Scan on movies_movie", plan(counted), re.MULTILINE)
    if connection.vendor == "sqlite":
        everything = plan("SELECT COUNT(*) FROM movies_movie")
        assert "SCAN movies_movie USING COVERING INDEX" in everything


@here
def test_a_page_of_the_paginator_counts_once(django_assert_num_queries):
    pages = Paginator(Movie.objects.order_by("id"), 10)

    with django_assert_num_queries(1):
        assert pages.page(1).has_next()
