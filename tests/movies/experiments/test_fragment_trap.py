"""Test fragment-trap: what a view may do with a queryset that the template's cache tag holds."""

import io
from contextlib import redirect_stdout

import pytest
from django.core.cache import cache
from django.core.paginator import Paginator
from django.template import engines

from movies.models import Movie
from perflab.caches import using

PAGE = "{% load cache %}{% cache 60 trap %}{% for movie in movies %}{{ movie.id }} {% endfor %}"
PAGE += "{% endcache %}"


def show(movies):
    with redirect_stdout(io.StringIO()):
        print(movies)
    return movies


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("work", "cold", "warm"),
    [
        (lambda movies: movies, 1, 0),
        (list, 1, 1),
        (lambda movies: len(movies) and movies, 1, 1),
        (lambda movies: movies if movies else (), 1, 1),
        (show, 2, 1),
        (lambda movies: Paginator(movies, 20).page(1), 2, 1),
    ],
    ids=["lazy", "list", "len", "if", "print", "paginator"],
)
def test_what_the_view_does_is_paid_for_on_a_hit_too(
    token, django_assert_num_queries, work, cold, warm
):
    template = engines["django"].from_string(PAGE)

    def visit():
        return template.render({"movies": work(Movie.objects.order_by("id"))})

    with using("locmem", "fragment-trap", "test", token):
        with django_assert_num_queries(cold):
            page = visit()
        with django_assert_num_queries(warm):
            assert visit() == page
        cache.clear()
