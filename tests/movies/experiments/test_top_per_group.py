"""Test top-per-group: which reviews are shown, how many are fetched, and by which statement."""

import pytest

from movies.models import Movie, Review
from tests.support.experiments import ROWS, made, page, statements, visit

pytestmark = pytest.mark.django_db

VARIANTS = ("loop", "everything", "window", "sliced")


def three_best(movie):
    """The best reviews of a film, found without a database."""
    reviews = sorted(movie.reviews.all(), key=lambda review: (-review.score, review.id))
    return ", ".join(map(str, reviews[:3]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_three_best_reviews_of_each_film_are_shown(variant):
    films = Movie.objects.prefetch_related("reviews").order_by("id")[:ROWS]

    shown = page("top-per-group", variant)

    assert any(film.reviews.count() > 3 for film in films)
    for film in films:
        assert f"<td>{three_best(film)}</td>" in shown


def test_only_what_is_shown_is_fetched_but_by_the_variant_that_fetches_everything():
    films = Movie.objects.order_by("id")[:ROWS]
    reviews = Review.objects.filter(movie__in=list(films)).count()
    fetched = {}

    for variant in VARIANTS:
        with made(Review) as counted:
            visit("top-per-group", variant)
        fetched[variant] = counted.instances

    assert fetched["everything"] == reviews > 2 * fetched["loop"]
    assert fetched["loop"] == fetched["window"] == fetched["sliced"] > 0


@pytest.mark.parametrize("variant", ["window", "sliced"])
def test_a_window_function_numbers_the_reviews(variant):
    films, reviews = statements("top-per-group", variant)

    assert "ROW_NUMBER() OVER (PARTITION BY" not in films
    assert "ROW_NUMBER() OVER (PARTITION BY" in reviews
