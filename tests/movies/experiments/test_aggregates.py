"""Test aggregates: the figures to the digit, and the database's plans."""

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection
from django.db.models import Avg, Count, Sum

from movies.models import Movie
from tests.support.experiments import ROWS, page, plan, statements, visit

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("variant", ["loop", "join", "page-first", "subquery"])
def test_the_figures_are_right_to_the_digit_on_both_databases(variant):
    shown = re.findall(r"<td>([\d,]+)</td><td>([\d.]*)</td></tr>", page("aggregates", variant))

    scores = [
        list(movie.reviews.values_list("score", flat=True))
        for movie in Movie.objects.order_by("id")[:ROWS]
    ]
    assert shown == [(f"{len(given):,}", average(given)) for given in scores]
    assert ("0", "") in shown


def test_two_relations_at_once_multiply_the_reviews_and_distinct_repairs_only_the_count():
    shown = re.findall(
        r"<td>([\d,]+)</td><td>[\d.]*</td></tr>",
        visit("aggregates", "two-relations", 100)[0].body.decode(),
    )
    films = list(Movie.objects.order_by("id")[:100])
    reviews = [film.reviews.count() for film in films]
    countries = [film.countries.count() for film in films]
    both = {"right": Count("reviews", distinct=True), "of_country": Count("countries")}
    of_both = Movie.objects.annotate(**both, total=Sum("reviews__score")).order_by("id")[:100]

    wrong = [there * factor for there, factor in zip(reviews, countries, strict=True)]
    assert [int(number.replace(",", "")) for number in shown] == wrong != reviews
    assert [film.right for film in of_both] == reviews
    scores = [sum(film.reviews.values_list("score", flat=True)) for film in films]
    assert [film.total or 0 for film in of_both] != scores


def test_of_two_relations_the_average_is_right_and_distinct_adds_equal_scores_once():
    films = list(Movie.objects.order_by("id")[:100])
    scores = [list(film.reviews.values_list("score", flat=True)) for film in films]
    figures = {"mean": Avg("reviews__score"), "total": Sum("reviews__score", distinct=True)}
    of_both = Movie.objects.annotate(**figures, of_country=Count("countries")).order_by("id")[:100]

    assert [round(film.mean or 0, 6) for film in of_both] == [
        round(sum(given) / len(given), 6) if given else 0 for given in scores
    ]
    assert [film.total or 0 for film in of_both] == [sum(set(given)) for given in scores]
    assert any(sum(set(given)) != sum(given) for given in scores)


def test_django_groups_by_every_column_on_sqlite_and_by_the_key_on_postgresql():
    (join,) = statements("aggregates", "join")

    grouped = re.search(r"GROUP BY (.*?) ORDER BY", join)[1].split(", ")
    columns = len(Movie._meta.concrete_fields)
    assert columns == 10
    assert len(grouped) == (columns if connection.vendor == "sqlite" else 1)


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


def test_the_page_chosen_first_is_joined_alone():
    (statement,) = statements("aggregates", "page-first")

    explained = plan(statement)

    assert "movies_review_movie_id" in explained
    assert not re.search(r"SCAN movies_movie|Seq Scan on movies_(movie|review)", explained)


def test_the_subquery_sorts_nothing_and_finds_each_films_reviews_by_their_index():
    (subquery,) = statements("aggregates", "subquery")

    explained = plan(subquery)

    assert explained.count("movies_review_movie_id") >= 2
    assert "TEMP B-TREE" not in explained
    assert not re.search(r"^Sort|-> +Sort", explained, re.MULTILINE)
