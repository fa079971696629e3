"""Test form-choices: what the form offers, what is made and sent, and what is checked."""

import pytest
from django.contrib.admin.views.main import ChangeList

from movies.experiments.form_choices import FilmForm
from movies.models import Director, Movie
from tests.support.experiments import made, page, visit

pytestmark = pytest.mark.django_db


def number_of_options(variant):
    return page("form-choices", variant).count("<option")


def test_only_two_variants_offer_all_directors():
    everybody = Director.objects.count()

    assert number_of_options("select") == everybody + 1  # and the empty one
    assert number_of_options("values") == everybody + 1
    assert number_of_options("chosen") == 2
    assert number_of_options("number") == 0


@pytest.mark.parametrize("variant", ["select", "values", "chosen"])
def test_the_film_s_own_director_is_selected(variant):
    director = Movie.objects.order_by("-id").first().director

    assert f'<option value="{director.id}" selected>{director.name}</option>' in page(
        "form-choices", variant
    )


def test_the_number_is_that_of_the_film_s_own_director():
    director = Movie.objects.order_by("-id").first().director_id

    assert f'type="number" name="director" value="{director}"' in page("form-choices", "number")


def test_directors_are_made_for_the_list_alone():
    instances = {}

    for variant in ("select", "values", "chosen", "number"):
        with made(Director) as directors:
            visit("form-choices", variant)
        instances[variant] = directors.instances

    assert instances["values"] == instances["number"] == instances["chosen"] - 1
    assert instances["select"] == instances["values"] + Director.objects.count()


def test_without_the_list_a_page_sends_a_fraction_of_the_bytes():
    sent = {variant: len(page("form-choices", variant)) for variant in ("select", "chosen")}

    assert sent["select"] > 5 * sent["chosen"]


def test_what_is_posted_is_checked_by_asking_for_one_director_twice(django_assert_num_queries):
    film = Movie.objects.order_by("-id").first()
    data = {"title": film.title, "year": film.year}

    with django_assert_num_queries(2) as asked:  # the form's field, then the model's foreign key
        right = FilmForm({**data, "director": film.director_id}, instance=film).is_valid()

    assert right
    assert all(f'"movies_director"."id" = {film.director_id}' in one["sql"] for one in asked)
    assert "director" in FilmForm({**data, "director": 10**9}, instance=film).errors


@pytest.mark.parametrize(
    ("columns", "list_select_related", "joined"),
    [
        (("title", "director"), False, True),  # a foreign key is joined by itself
        (("title", "credit"), False, False),  # a property that names a relation is not
        (("__str__",), False, False),
        (("title", "credit"), ("director",), True),
    ],
)
def test_the_admin_joins_a_column_that_is_a_foreign_key_and_no_other(
    columns, list_select_related, joined
):
    change_list = ChangeList.__new__(ChangeList)  # the lab has no admin that could make one
    change_list.lookup_opts = Movie._meta
    change_list.list_display, change_list.list_select_related = columns, list_select_related

    films = change_list.apply_select_related(Movie.objects.all())

    assert ('JOIN "movies_director"' in str(films.query)) == joined
