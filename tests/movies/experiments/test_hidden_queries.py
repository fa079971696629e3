"""Test hidden-queries: who asks, what is fetched to be counted, and what Django 6.1 stops."""

import django
import pytest
from django.db import models
from django.test.utils import CaptureQueriesContext

from movies.experiments import hidden_queries
from movies.models import Director, Movie, Review
from tests.support.experiments import ROWS, made, statements, visit

pytestmark = pytest.mark.django_db


def test_the_view_runs_no_query_at_all_before_the_template_does(rf, monkeypatch):
    asked = []
    monkeypatch.setattr(
        hidden_queries, "render", lambda request, name, context: asked.append(context["movies"])
    )

    with CaptureQueriesContext(django.db.connection) as captured:
        hidden_queries.hidden(rf.get("/"), ROWS)

    assert len(captured) == 0
    assert len(asked) == 1


def test_the_property_and_the_template_ask_once_for_each_film():
    asked = [sql for sql in statements("hidden-queries", "hidden")]

    assert sum('FROM "movies_director"' in sql for sql in asked) == ROWS
    assert sum("COUNT(" in sql for sql in asked) == ROWS


def test_a_prefetch_makes_all_reviews_in_order_to_count_them():
    films = list(Movie.objects.order_by("id")[:ROWS])
    reviews = Review.objects.filter(movie__in=films).count()

    with made(Review) as prefetched:
        visit("hidden-queries", "prefetched")
    with made(Review) as counted:
        visit("hidden-queries", "counted")

    assert prefetched.instances == reviews > 0
    assert counted.instances == 0


def test_a_film_without_reviews_is_counted_as_0():
    director = Director.objects.order_by("id").first()
    Movie.objects.create(title="New", year=2026, minutes=90, synopsis="", director=director)
    Movie.objects.order_by("id").exclude(title="New").delete()

    pages = {name: visit("hidden-queries", name, 1)[0].body for name in ("hidden", "counted")}

    assert pages["hidden"] == pages["counted"]
    assert b"<td>0</td>" in pages["counted"]


@pytest.mark.skipif(django.VERSION < (6, 1), reason="Django 6.1 brought fetch modes")
def test_a_fetch_mode_stops_the_hidden_director_and_lets_the_hidden_count_pass():
    from django.core.exceptions import FieldFetchBlocked

    film = Movie.objects.fetch_mode(models.FETCH_RAISE).order_by("id").first()

    with pytest.raises(FieldFetchBlocked):
        assert film.credit
    assert film.reviews.count() > 0
