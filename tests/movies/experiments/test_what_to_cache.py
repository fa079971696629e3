"""Test what-to-cache: how often a warm page asks the cache, and what it renders again."""

import pytest

from tests.support.experiments import address
from tests.support.figures import timing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("variant", "calls"),
    [("nothing", 0), ("data", 1), ("fragment", 1), ("page", 2), ("html", 1), ("site", 2)],
)
def test_a_warm_variant_asks_the_cache_so_often(client, fresh, variant, calls):
    path = address("what-to-cache", variant, **fresh)
    client.get(path)

    assert timing(client.get(path))["calls"] == calls


def test_what_is_rendered_again_grows_less_with_every_depth(client, fresh):
    """By the templates that a warm page renders: the page with its rows, the page alone, none."""

    def rendered(variant):
        path = address("what-to-cache", variant, **fresh)
        client.get(path)
        return [template.name for template in client.get(path).templates]

    assert "movies/catalogue_list.html" in rendered("data")
    assert rendered("fragment") == ["movies/catalogue_cached.html", "perflab/base.html"]
    assert rendered("page") == rendered("html") == rendered("site") == []
