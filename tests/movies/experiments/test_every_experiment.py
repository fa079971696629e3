"""Test every experiment: the same page on all its variants, and the queries that it promises."""

import inspect
from copy import deepcopy

import pytest
from django.conf import global_settings, settings
from django.core.cache import CacheHandler
from django.db import ConnectionHandler
from django.utils.module_loading import import_string

from perflab import settings as lab_settings
from perflab.catalogue import registry
from perflab.compare.promises import broken_promises
from tests.support.caches import with_cache

EXPERIMENTS = list(registry.experiments.values())
each_experiment = pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.slug)
WITH_CACHES = [
    with_cache(experiment, cache, id=f"{experiment.slug}-{cache}")
    for experiment in registry.runnable()
    for cache in (settings.LAB_CACHES if experiment.caches else ["locmem"])
]


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("rows", [10, 25])
@pytest.mark.parametrize(("experiment", "cache"), WITH_CACHES)
def test_it_keeps_its_promises_cold_and_warm(experiment, rows, cache):
    assert broken_promises(experiment, rows, cache) == []


@each_experiment
def test_it_explains_itself(experiment):
    assert experiment.title
    assert experiment.summary.endswith(".")
    assert len(experiment.explanation) > 300
    assert "When it matters" in experiment.explanation
    assert len(experiment.cost) > 40
    version = experiment.needs.partition("django>=")[2] or "5.2"
    assert experiment.docs.startswith(f"https://docs.djangoproject.com/en/{version}/")


@pytest.mark.parametrize(
    "experiment",
    [e for e in EXPERIMENTS if e.figure == "queries"],  # each of the others has a test of its own
    ids=lambda e: e.slug,
)
def test_its_slow_variant_promises_more_queries_than_its_fast_variant(experiment):
    slow, fast = experiment.slow, experiment.fast

    assert slow.promise(warm=True).at(100) > fast.promise(warm=True).at(100)


@each_experiment
def test_its_views_are_short_enough_to_paste(experiment):
    for variant in experiment.variants:
        assert len(inspect.getsource(variant.view).splitlines()) <= 12


@each_experiment
def test_a_variant_that_shows_another_page_says_why(experiment):
    for variant in experiment.variants:
        assert not variant.differs or variant.differs.endswith(".")
    assert not experiment.slow.differs


EACH_SETTINGS = [
    pytest.param(variant.settings, id=f"{experiment.slug}-{variant.name}")
    for experiment in EXPERIMENTS
    for variant in experiment.variants
    if variant.settings
]


@pytest.mark.parametrize("text", EACH_SETTINGS)
def test_its_settings_can_be_pasted(text):
    """They are run below a project's own settings, and all that they name is found."""
    before = {name: deepcopy(value) for name, value in vars(lab_settings).items() if name.isupper()}
    after = deepcopy(before)

    exec(text, after)

    changed = {name for name in after if name.isupper() and after[name] != before.get(name)}
    assert changed, "it sets nothing"
    assert all(hasattr(global_settings, name) for name in changed)
    if "CACHES" in changed:
        for alias in after["CACHES"]:
            CacheHandler(after["CACHES"])[alias]
    if "DATABASES" in changed:
        for alias in after["DATABASES"]:
            ConnectionHandler(after["DATABASES"])[alias]
    for path in after["MIDDLEWARE"]:
        import_string(path)


@each_experiment
def test_its_templates_exist(experiment):
    from django.template.loader import get_template

    for variant in experiment.variants:
        for name in variant.templates:
            assert get_template(name)
