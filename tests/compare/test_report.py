"""Test the words of a comparison's result."""

import re

import pytest

from perflab.compare import report


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (9.5, 10, 11, "10 times faster (95 % interval 9.5 to 11)"),
        (0.9, 1.02, 1.2, "no measurable difference (ratio 1.0, 95 % interval 0.90 to 1.2)"),
        (0.4, 0.5, 0.8, "2.0 times slower (95 % interval 1.3 to 2.5)"),
    ],
)
def test_the_ratio_is_said_in_words(low, value, high, words):
    sentence = report.verdict({"ratio": value, "ratio_low": low, "ratio_high": high})

    assert re.sub(r"\[/?\w*\]", "", sentence) == words


def test_the_load_of_other_programs_is_said_and_a_busy_machine_noted():
    found = {"ratio": 10, "ratio_low": 9, "ratio_high": 11, "variants": [], "differences": {}}
    quiet, busy = found | {"other_cores": 0.04}, found | {"other_cores": 1.26}

    assert report.verdict(quiet).endswith("(95 % interval 9.0 to 11; others kept 0.0 cores busy)")
    assert report.verdict(busy).endswith("(95 % interval 9.0 to 11; others kept 1.3 cores busy)")
    assert report.verdict(found | {"other_cores": None}).endswith("(95 % interval 9.0 to 11)")
    assert not report.notes(quiet)
    assert "this machine is busy" in report.notes(busy)[0]
