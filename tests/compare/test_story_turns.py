"""Test the turns: one plays at a time, and the data is restored whatever happens."""

from types import SimpleNamespace

import pytest

from perflab.catalogue import registry
from perflab.catalogue.registry import StoryData
from perflab.compare import story_turns
from perflab.compare.story_turns import NotYourTurn

ADA, BOB = "a" * 20, "b" * 20


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(story_turns, "time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture
def film(settings, tmp_path, clock):
    settings.VAR = tmp_path
    return SimpleNamespace(now=7)


@pytest.fixture
def data(film):
    return StoryData("film", lambda: film.now, lambda value: setattr(film, "now", value))


def test_every_variant_begins_with_the_same_data_and_the_end_restores_it(data, film):
    story_turns.begin(data, ADA)
    for _ in range(3):
        story_turns.restart(data, ADA)
        assert film.now == 7
        film.now += 1
    story_turns.end(data, ADA)

    assert film.now == 7


def test_one_plays_at_a_time(data, film):
    story_turns.begin(data, ADA)

    for action in (story_turns.begin, story_turns.restart, story_turns.end, story_turns.extend):
        with pytest.raises(NotYourTurn):
            action(data, BOB)
    with pytest.raises(NotYourTurn):
        story_turns.extend(data, "")  # a change outside a story

    story_turns.end(data, ADA)
    story_turns.begin(data, BOB)


def test_whoever_plays_next_restores_what_a_closed_browser_has_left(data, film, clock):
    story_turns.begin(data, ADA)
    film.now = 8
    clock.now += story_turns.TURN_S + 1

    story_turns.begin(data, BOB)

    assert film.now == 7
    with pytest.raises(NotYourTurn):
        story_turns.restart(data, ADA)
    story_turns.end(data, BOB)
    assert film.now == 7


def test_a_turn_lasts_as_long_as_somebody_plays(data, clock):
    story_turns.begin(data, ADA)
    for _ in range(4):
        clock.now += story_turns.TURN_S - 1
        story_turns.extend(data, ADA)

    with pytest.raises(NotYourTurn):
        story_turns.begin(data, BOB)


def test_without_a_story_under_way_anybody_may_change_the_data(data, clock):
    story_turns.extend(data, "")
    with pytest.raises(NotYourTurn):
        story_turns.extend(data, ADA)  # whose turn is over


def test_the_caches_of_all_that_show_the_data_forget_it(data, monkeypatch):
    flushed = []
    found = {
        slug: SimpleNamespace(slug=slug, story_data=data if slug != "other" else None)
        for slug in ("one", "two", "other")
    }
    monkeypatch.setattr(story_turns, "experiments", found)
    monkeypatch.setattr(story_turns.caches, "flush", flushed.append)
    story_turns.begin(data, ADA)

    story_turns.restart(data, ADA)
    story_turns.flush_others(data, "one")

    assert flushed == ["one", "two", "two"]


def test_the_two_experiments_on_the_film_of_the_evening_share_one_turn():
    assert registry.get("stale-page").story_data is registry.get("two-tier").story_data


def test_a_turn_that_was_begun_in_the_future_keeps_nobody_away(data, film, clock):
    """The clock was wrong by a year, and is right again."""
    clock.now += 86_400 * 365
    story_turns.begin(data, ADA)
    film.now = 8
    clock.now -= 86_400 * 365

    story_turns.begin(data, BOB)

    assert film.now == 7
