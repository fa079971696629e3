"""Test wide-rows: which columns are fetched, and which instances are made of them."""

import pytest

from movies.models import Screenplay
from tests.support.experiments import ROWS, columns, made, statements, visit

pytestmark = pytest.mark.django_db


def test_each_variant_fetches_fewer_columns_and_one_fetches_the_text_after_all():
    def fetched(variant):
        return [columns(statement) for statement in statements("wide-rows", variant)]

    rest = ["id", "title", "year", "pages"]
    assert fetched("everything") == [[*rest, "text"]]
    assert fetched("defer") == fetched("only") == [rest]
    assert fetched("values-list") == [["title", "year", "pages"]]
    assert fetched("touched") == [["id", "title", "year"], *[["id", "text"]] * ROWS]


@pytest.mark.parametrize(("variant", "instances"), [("everything", ROWS), ("values-list", 0)])
def test_only_values_do_without_instances(variant, instances):
    with made(Screenplay) as screenplays:
        visit("wide-rows", variant)

    assert screenplays.instances == instances


def test_every_screenplay_is_really_long_and_says_that_it_is_invented():
    screenplays = list(Screenplay.objects.all())

    assert len(screenplays) == 120
    assert all(len(screenplay.text) > 30_000 for screenplay in screenplays)
    assert all(screenplay.text.startswith("Synthesised") for screenplay in screenplays)
    assert [one.pages for one in screenplays] == [one.count_pages() for one in screenplays]
