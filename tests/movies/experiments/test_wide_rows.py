"""Test wide-rows: which columns are fetched, and which instances are made of them."""

import pytest

from movies.models import Movie
from perflab.catalogue import registry
from tests.support.experiments import ROWS, columns, made, statements, visit

pytestmark = pytest.mark.django_db


def test_each_variant_fetches_fewer_columns_than_the_one_before():
    fetched = {
        variant.name: columns(statements("wide-rows", variant.name)[0])
        for variant in registry.get("wide-rows").variants
    }

    assert "synopsis" in fetched["everything"]
    assert set(fetched["everything"]) - set(fetched["defer"]) == {"synopsis"}
    assert fetched["only"] == ["id", "title", "year"]
    assert fetched["values-list"] == ["title", "year"]


@pytest.mark.parametrize(
    ("variant", "instances"),
    [("everything", ROWS), ("defer", ROWS), ("only", ROWS), ("values-list", 0)],
)
def test_only_values_do_without_instances(variant, instances):
    with made(Movie) as films:
        visit("wide-rows", variant)

    assert films.instances == instances
