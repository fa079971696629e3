"""Test aggregates: the figures to the digit, and the database's plans."""

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection

from movies.models import Movie
from tests.support.experiments import ROWS, page, plan, statements

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("variant", ["loop", "join", "subquery"])
def test_the_figures_are_right_to_the_digit_on_both_databases(variant):
    shown = re.findall(r"<td>([\d,]+)</td><td>([\d.]*)</td></tr>", page("aggregates", variant))

    scores = [
        list(movie.reviews.values_list("score", flat=True))
        for movie in Movie.objects.order_by("id")[:ROWS]
    ]
    assert shown == [(f"{len(given):,}", average(given)) for given in scores]
    assert ("0", "") in shown


def average(scores):
    """The average as a page shows it, reckoned without a database and without a float."""
    if not scores:
        return ""
    exact = Decimal(sum(scores)) / len(scores)
    return str(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def test_the_join_groups_the_whole_collection_on_sqlite_and_the_page_on_postgresql():
    (join,) = statements("aggregates", "join")

    if connection.vendor == "sqlite":
        assert "USE TEMP B-TREE" in plan(join)
    else:
        assert "GroupAggregate" in plan(join)
        assert "HashAggregate" not in plan(join)
        assert "using movies_movie_pkey" in plan(join)


def test_the_subquery_sorts_nothing_and_finds_each_films_reviews_by_their_index():
    (subquery,) = statements("aggregates", "subquery")

    explained = plan(subquery)

    assert explained.count("movies_review_movie_id") >= 2
    assert "TEMP B-TREE" not in explained
    assert not re.search(r"^Sort|-> +Sort", explained, re.MULTILINE)
