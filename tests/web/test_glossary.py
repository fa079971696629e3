"""Test the glossary: words that explain themselves where they stand on a page."""

import pytest
from django.template import Context, Template
from django.test import Client

from perflab.web.glossary import WORDS


def rendered(source):
    return Template("{% load glossary %}" + source).render(Context())


def test_a_word_opens_its_explanation():
    html = rendered('{% word "round trip" "the trip" %}')

    assert 'popovertarget="word-round-trip">the trip</button>' in html
    assert 'id="word-round-trip"' in html
    assert WORDS["round trip"] in html


def test_a_word_may_stand_on_a_page_twice():
    html = rendered('{% word "expected" place="slow" %}{% word "expected" place="fast" %}')

    assert html.count('id="word-expected-slow"') == html.count('id="word-expected-fast"') == 1


def test_an_unknown_word_is_a_mistake():
    with pytest.raises(KeyError):
        rendered('{% word "rung" %}')


@pytest.mark.django_db
@pytest.mark.parametrize("guess", ["ask", "skip"])
def test_a_comparison_page_explains_all_words_and_names_no_id_twice(guess):
    visitor = Client(SERVER_NAME="127.0.0.1")
    page = visitor.get("/experiments/ladder/", {"guess": guess}).content.decode()
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]

    assert sorted(ids) == sorted(set(ids))
    for word in WORDS:
        assert f"<dt>{word}</dt>" in page
