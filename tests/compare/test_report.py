"""Test the words of a comparison's result."""

import re

import pytest

from perflab.compare import report


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (9.5, 10, 11, "10.0 times faster (95 % interval 9.50 to 11.0)"),
        (0.9, 1.02, 1.2, "no measurable difference (ratio 1.02, 95 % interval 0.90 to 1.20)"),
        (0.4, 0.5, 0.8, "2.00 times slower (95 % interval 1.25 to 2.50)"),
    ],
)
def test_the_ratio_is_said_in_words(low, value, high, words):
    sentence = report.verdict({"ratio": value, "ratio_low": low, "ratio_high": high})

    assert re.sub(r"\[/?\w*\]", "", sentence) == words
