"""Break every experiment on purpose: the checks of test_every_experiment must notice each time."""

import sys
from dataclasses import replace
from unittest.mock import patch

import pytest
from django.shortcuts import render as django_render

from perflab.catalogue import registry
from perflab.compare.promises import broken_promises

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.exhaustive]
EXPERIMENTS = registry.runnable()
# A lesson that does not show in the number of queries has mutations of its own, in its own test.
COUNTED = [experiment for experiment in EXPERIMENTS if experiment.figure == "queries"]
CACHED = [experiment for experiment in COUNTED if experiment.caches]
# Pages made of a list by a template: the others have tests of their own too.
LISTS = [
    experiment
    for experiment in EXPERIMENTS
    if hasattr(sys.modules[experiment.slow.view.__module__], "render")
    and not experiment.fast.differs
]
ROWS = 10


@pytest.fixture
def broken(experiment):
    """Look at the experiment after a mutation; test_every_experiment says that it was whole."""
    return lambda: broken_promises(experiment, ROWS, "locmem")


def mutate_view(monkeypatch, experiment, variant, view):
    mutant = replace(variant, view=view)
    variants = tuple(mutant if r is variant else r for r in experiment.variants)
    monkeypatch.setattr(experiment, "variants", variants)


def with_context_changed(experiment, variant, change):
    """The variant's view, with `change` done to the rows of its context before it renders."""
    module = __import__(variant.view.__module__, fromlist=["render"])

    def render(request, template, context):
        context = dict(context)
        name = next(name for name in ("movies", "directors", "rows") if name in context)
        context[name] = change(list(context[name]))
        return django_render(request, template, context)

    def view(request, rows, **own):
        with patch.object(module, "render", render):
            return variant.view(request, rows, **own)

    return view


def renamed(row):
    """A row of a page (a model, a dict, a tuple) with its texts changed."""
    if isinstance(row, dict):
        return {key: other(value) for key, value in row.items()}
    if isinstance(row, tuple):
        return tuple(other(value) for value in row)
    for name in ("title", "name"):
        if hasattr(row, name):
            setattr(row, name, other(getattr(row, name)))
    return row


def other(value):
    return f"{value} (another)" if isinstance(value, str) else value


@pytest.mark.parametrize("experiment", COUNTED, ids=lambda e: e.slug)
def test_a_fast_variant_as_slow_as_the_slow_one_is_noticed(experiment, broken, monkeypatch):
    mutate_view(monkeypatch, experiment, experiment.fast, experiment.slow.view)

    assert any("queries, not" in sentence for sentence in broken())


@pytest.mark.parametrize("experiment", COUNTED, ids=lambda e: e.slug)
def test_a_slow_variant_as_fast_as_the_fast_one_is_noticed(experiment, broken, monkeypatch):
    mutate_view(monkeypatch, experiment, experiment.slow, experiment.fast.view)

    assert any("queries, not" in sentence for sentence in broken())


@pytest.mark.parametrize("experiment", CACHED, ids=lambda e: e.slug)
def test_a_cache_write_that_is_dropped_is_noticed(experiment, broken, faulty_cache):
    faulty_cache.drop_writes()
    fast = f"{experiment.fast.name}, warm"

    assert any(fast in sentence and "queries, not" in sentence for sentence in broken())


@pytest.mark.parametrize("variant", ["slow", "fast"])
@pytest.mark.parametrize("experiment", LISTS, ids=lambda e: e.slug)
def test_one_row_dropped_on_one_variant_is_noticed(experiment, variant, broken, monkeypatch):
    variant = getattr(experiment, variant)
    view = with_context_changed(experiment, variant, lambda rows: rows[:4] + rows[5:])
    mutate_view(monkeypatch, experiment, variant, view)

    assert any("not the page of" in sentence for sentence in broken())


@pytest.mark.parametrize("experiment", LISTS, ids=lambda e: e.slug)
def test_two_rows_swapped_on_one_variant_are_noticed(experiment, broken, monkeypatch):
    def swap(rows):
        return [rows[1], rows[0], *rows[2:]]

    view = with_context_changed(experiment, experiment.fast, swap)
    mutate_view(monkeypatch, experiment, experiment.fast, view)

    assert any("not the page of" in sentence for sentence in broken())


@pytest.mark.parametrize("experiment", LISTS, ids=lambda e: e.slug)
def test_one_wrong_name_on_one_variant_is_noticed(experiment, broken, monkeypatch):
    def mistake(rows):
        rows[3] = renamed(rows[3])
        return rows

    view = with_context_changed(experiment, experiment.fast, mistake)
    mutate_view(monkeypatch, experiment, experiment.fast, view)

    assert any("not the page of" in sentence for sentence in broken())
