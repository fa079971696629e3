"""Test the sources that a page shows beside each other."""

import html
import re

import pytest
from django.test import Client

from perflab.catalogue import registry
from perflab.catalogue.registry import Queries, Variant
from perflab.catalogue.sources import variant_sources


def one(request, rows):
    return rows


def other(request, rows):
    return rows


def helper(rows):
    return rows


ONE_DAY = """
    CACHES = {
        "default": {"TIMEOUT": 86400},
    }
"""
TWO_DAYS = ONE_DAY.replace("86400", "172800")


def marked(source):
    """Return the lines of a source that are marked as different."""
    lines = re.findall(r'<span class="hll">(.*?)\n</span>', source.html, re.DOTALL)
    return [html.unescape(re.sub("<[^>]+>", "", line)) for line in lines]


def test_settings_stand_below_the_code_without_the_indent_of_their_file():
    variants = (Variant("a", one, Queries(0)), Variant("b", other, Queries(0), settings=ONE_DAY))

    found = variant_sources("settings-below", variants)

    assert [source.is_settings for source in found["a"]] == [False]
    assert [source.name for source in found["b"]] == ["b()", "settings.py"]
    assert found["b"][1].is_settings
    assert found["b"][1].text.startswith('CACHES = {\n    "default"')


def test_settings_are_compared_with_settings_and_with_no_function():
    variants = (
        Variant("a", one, Queries(0), also=(helper,), settings=ONE_DAY),
        Variant("b", other, Queries(0), settings=TWO_DAYS),
        Variant("c", other, Queries(0), also=(helper,)),
    )

    found = variant_sources("settings-compared", variants)

    assert [line.strip() for line in marked(found["b"][1])] == ['"default": {"TIMEOUT": 172800},']
    assert len(marked(found["c"][1])) == 2  # all of the function, which "b" has not


@pytest.mark.django_db(databases="__all__")
def test_a_page_shows_the_settings_with_a_button_that_copies_them():
    page = Client(SERVER_NAME="127.0.0.1").get("/experiments/two-tier/?guess=skip").text

    button = re.search(r'data-copy="#(settings-[\w-]+)" hidden>\s*Copy the settings', page)
    block = re.search(rf'<div class="source"[^>]*id="{button[1]}"[^>]*>(.*?)</div>', page, re.S)
    text = html.unescape(re.sub("<[^>]+>", "", block[1]))
    variant = registry.get("two-tier").variant(button[1].removeprefix("settings-"))
    assert text.strip() == variant.settings.strip()
