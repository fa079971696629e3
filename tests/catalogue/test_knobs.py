"""Test that knobs are read, checked, refused and written back."""

import pytest
from django.http import QueryDict

from perflab.catalogue.knobs import BadKnob, Knobs, describe_knobs


def read(query):
    return Knobs.read(QueryDict(query))


def test_no_knob_given_means_the_defaults(settings):
    settings.LAB_CACHES = ["redis", "locmem"]

    assert read("") == Knobs(movies=100, round_trip=0, cache="redis")


def test_knobs_are_read_and_written_back():
    query = "movies=25&round_trip=2.5&cache=locmem"

    assert read(query) == Knobs(movies=25, round_trip=2.5, cache="locmem")
    assert read(query).query_string() == query


@pytest.mark.parametrize(
    "value",
    ["abc", "-1", "0", "1000000000", "1e3", "1.5", "", " 5", "٣", "%00", "1%00", "9" * 10_000],
)
def test_movies_must_be_a_whole_number_in_range(value, settings):
    with pytest.raises(BadKnob, match=f"movies must be a whole number from 1 to {5000:,}, not "):
        read(f"movies={value}")


@pytest.mark.parametrize("value", ["abc", "-1", "51", "nan", "inf", "1e1", "", "%00", "1.23456"])
def test_a_round_trip_must_be_a_number_of_ms_in_range(value):
    with pytest.raises(BadKnob, match="round_trip must be a number of ms from 0 to 50, not "):
        read(f"round_trip={value}")


def test_a_backend_that_is_not_configured_is_refused_with_those_that_are(settings):
    settings.LAB_CACHES = ["redis", "locmem"]

    with pytest.raises(BadKnob, match="cache must be one of redis, locmem, not 'memcached'"):
        read("cache=memcached")


@pytest.mark.parametrize("name", ["movies", "round_trip", "cache"])
def test_a_knob_given_twice_is_refused(name):
    with pytest.raises(BadKnob, match=f"{name} is given 2 times"):
        read(f"{name}=1&{name}=1")


def test_what_was_sent_is_shown_shortened():
    with pytest.raises(BadKnob) as refusal:
        read("movies=" + "x" * 10_000)

    assert len(str(refusal.value)) < 200
    assert "(10,000 characters)" in str(refusal.value)


def test_queries_and_round_trip_together_may_not_exceed_ten_seconds():
    chosen = Knobs(movies=1000, round_trip=9.5, cache="locmem")

    chosen.refuse_if_too_slow(queries=1000)  # exactly 10 s
    with pytest.raises(BadKnob, match="1,001 queries, some 10 s"):
        chosen.refuse_if_too_slow(queries=1001)


def test_the_catalogue_names_every_knob_and_its_range():
    assert set(describe_knobs()) == {"movies", "round_trip", "cache", "cold"}
    assert describe_knobs()["movies"] == {"min": 1, "max": 5000, "default": 100}


@pytest.mark.parametrize("value", ["", "A", "a-b", "x" * 33, "%00", "é"])
def test_a_cold_run_s_token_is_short_and_plain(value):
    with pytest.raises(BadKnob, match="cold must be 1 to 32 of a-z and 0-9"):
        read(f"cold={value}")


def test_a_token_is_never_part_of_a_link():
    assert read("cold=abc123").cold == "abc123"
    assert "cold" not in read("cold=abc123").query_string()
