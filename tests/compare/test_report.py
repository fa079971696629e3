"""Test the words of a comparison's result."""

import re

import pytest

from perflab.compare import judgement, report


def found(ratio=10, low=9, high=11, figure="queries", **more):
    """An experiment as the JSON of `measure` has it, with a verdict."""
    variants = [
        {"name": name, "reference": False, "queries": queries, "bytes": 2000, "calls": queries}
        | {"memory_peak": None, "errors": 0, "varied": [], "median_ms": 4.0}
        for name, queries in (("slow", 101), ("fast", 1))
    ]
    experiment = {"figure": figure, "variants": variants, "differences": {}, "losers": {}}
    experiment |= {"ratio": ratio, "ratio_low": low, "ratio_high": high, "not_judged": []}
    experiment |= {"shown": {"name": "fast", "value": ratio, "low": low, "high": high}}
    experiment |= {"headline": {"big": "101 → 1 query", "small": "10× faster", "best": ""}}
    return experiment | more


def plain(text):
    return re.sub(r"\[/?\w*\]", "", text)


def test_the_headline_is_said_with_its_interval():
    assert plain(report.verdict(found())) == (
        "101 → 1 query, 10× faster (ratio 10, 95 % interval 9.0 to 11)"
    )


def test_a_run_without_a_verdict_says_why_and_what_to_do_and_nothing_else():
    reason = judgement.put_into_words({"code": "cache_errors", "variant": "fast", "errors": 12})
    experiment = found(not_judged=[reason], headline=None, shown=None, losers=None)

    said = plain(report.verdict(experiment))

    assert said == (
        "not judged. Calls of fast that the cache did not answer: 12. Start the cache again or "
        "choose another one, then run again."
    )
    assert report.ratio_cell(experiment) == (
        "not judged: Calls of fast that the cache did not answer: 12"
    )


@pytest.mark.parametrize(
    ("changes", "code"), [({"errors": 3}, "cache_errors"), ({"varied": ["bytes"]}, None)]
)
def test_results_of_before_are_not_judged_where_they_tell_that_the_cache_failed(changes, code):
    experiment = found()
    del experiment["not_judged"]
    experiment["variants"][1] |= changes

    found_codes = [reason["code"] for reason in report.not_judged(experiment)]
    assert found_codes == ([code] if code else [])


def test_losers_and_the_best_one_are_named():
    experiment = found(losers={"fast": "slower"})
    experiment["headline"]["best"] = "Best of them: slow."

    assert report.notes(experiment) == ["Best of them: slow.", "losing: fast (slower than slow)"]


@pytest.mark.parametrize(
    ("figure", "note", "cell"),
    [
        ("bytes", "on the wire: slow 2,000 bytes · fast 2,000 bytes", "2,000 → 2,000 bytes"),
        ("cache_calls", "calls of the cache: slow 101 cache calls · fast 1 cache call", None),
        ("memory", None, "101 → 1"),  # a public lab does not tell it
    ],
)
def test_the_lesson_s_own_figure_is_shown(figure, note, cell):
    experiment = found(figure=figure)

    assert report.notes(experiment) == ([note] if note else [])
    assert report.figure_of(experiment) == (cell or "101 → 1 cache call")


def test_the_load_of_other_programs_is_said_and_a_busy_machine_noted():
    quiet, busy = found(other_cores=0.04), found(other_cores=1.26)

    assert report.verdict(quiet).endswith("interval 9.0 to 11; others kept 0.0 cores busy)")
    assert report.verdict(busy).endswith("interval 9.0 to 11; others kept 1.3 cores busy)")
    assert report.verdict(found(other_cores=None)).endswith("(ratio 10, 95 % interval 9.0 to 11)")
    assert not report.notes(quiet)
    assert "this machine is busy" in report.notes(busy)[0]
