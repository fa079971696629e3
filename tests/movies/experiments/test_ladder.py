"""Test ladder: how neighbouring variants differ, and what each of them leaves out."""

import difflib
import inspect

import pytest

from movies.models import Movie
from perflab import caches
from perflab.catalogue import registry, sources
from perflab.measure import server_timing
from tests.support.experiments import columns, made, page, rendered, statements, visit

pytestmark = pytest.mark.django_db
LADDER = [variant.name for variant in registry.get("ladder").ladder]
TEMPLATE, VALUES_TEMPLATE = "movies/programme_list.html", "movies/programme_values_list.html"


@pytest.mark.parametrize(("lower", "upper"), list(zip(LADDER, LADDER[1:], strict=False)))
def test_neighbouring_variants_differ_in_a_few_lines(lower, upper):
    one, other = (code_of(registry.get("ladder").variant(name).view) for name in (lower, upper))

    changed = [line for line in difflib.ndiff(one, other) if line.startswith(("- ", "+ "))]
    removed = [line for line in changed if line.startswith("- ")]

    assert 1 <= len(changed) - len(removed) <= 3
    assert len(removed) <= 5


def code_of(view):
    """The lines of a view without its name and comments."""
    lines = inspect.getsource(view).splitlines()
    return [line for line in lines if not line.strip().startswith(("def ", "#"))]


def test_the_ladder_leaves_out_columns_then_instances():
    assert "synopsis" in columns(statements("ladder", "prefetch-related")[0])
    assert columns(statements("ladder", "only")[0]).count("id") == 2  # the film's, its director's
    assert "synopsis" not in columns(statements("ladder", "only")[0])

    with made(Movie) as films:
        visit("ladder", "values")

    assert films.instances == 0


@pytest.mark.parametrize(
    ("variant", "renders", "calls"),
    [("cached-data", True, 1), ("cached-html", False, 1), ("cache-page", False, 2)],
)
def test_what_is_cached_is_not_done_again(variant, renders, calls):
    caches.flush("ladder")
    visit("ladder", variant)

    with rendered() as templates:
        answer, asked = visit("ladder", variant)

    assert asked == []
    assert bool(templates) == renders
    assert server_timing.read(answer.headers["server-timing"])["calls"] == calls


def test_the_bare_view_stands_beside_the_ladder():
    assert registry.get("ladder").variants[-1].reference
    assert "bare" not in LADDER
    assert page("ladder", "bare") == "ok"


def test_of_the_ladders_code_just_what_is_new_on_a_variant_is_marked():
    ladder = registry.get("ladder")
    marked = {
        name: {text.name: text.html.count('class="hll"') for text in texts}
        for name, texts in sources.variant_sources("ladder", ladder.variants).items()
    }

    assert marked["prefetch-related"] == {"prefetch-related()": 2, TEMPLATE: 0}  # with its comment
    assert marked["values"][VALUES_TEMPLATE] == 2
    assert marked["cached-html"]["programme()"] == marked["cached-html"][VALUES_TEMPLATE] == 0
