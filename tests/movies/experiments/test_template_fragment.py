"""Test template-fragment: what belongs into its key, and how to delete it."""

import pytest
from django.core.cache import cache
from django.core.cache.utils import make_template_fragment_key
from django.template import engines
from django.utils import translation

from perflab.caches import using
from tests.support.experiments import address
from tests.support.figures import queries

TAG = "{% load cache i18n %}{% get_current_language as LANGUAGE_CODE %}"
TAG += "{% cache 60 greeting KEYS %}{% translate 'Monday' %}{% endcache %}"


@pytest.fixture
def languages(settings, monkeypatch):
    settings.USE_I18N = True
    monkeypatch.setattr(translation, "_trans", type(translation._trans)())


@pytest.mark.parametrize(
    ("keys", "read"), [("", ["Montag", "Montag"]), ("LANGUAGE_CODE", ["Montag", "Monday"])]
)
def test_the_language_is_in_the_key_only_if_you_put_it_there(token, languages, keys, read):
    template = engines["django"].from_string(TAG.replace("KEYS", keys))
    found = []

    with using("locmem", "template-fragment", "test", token):
        for language in ("de", "en"):
            with translation.override(language):
                found.append(template.render())

    assert found == read


@pytest.mark.django_db
def test_the_key_made_in_python_deletes_the_fragment(client, token):
    path = address("template-fragment", "fast", movies=10, cache="locmem", cold=token)
    assert [queries(client.get(path)) for _ in range(2)] == [2, 0]

    with using("locmem", "template-fragment", "fast", token):
        assert cache.delete(make_template_fragment_key("programme", [10]))

    assert queries(client.get(path)) == 2
