"""Test the stories as `play_story` plays them: over HTTP on real workers, and in process."""

import re
import subprocess
import sys
from contextlib import contextmanager

import pytest

from perflab.compare.clients import OverHTTP, in_process
from perflab.compare.lab_pages import read_catalogue
from perflab.compare.story import NoStory, play_story, read_answer

KNOBS = {"movies": 10}


def play(client, slug, **knobs):
    """Play a story; {variant: (right, words)}."""
    found = {e["slug"]: e for e in read_catalogue(client)["experiments"]}
    story = play_story(client, found[slug], KNOBS | knobs)
    return {v.name: (v.right, v.words) for v in story.verdicts}, story


RIGHT = (True, "right")


@pytest.mark.parametrize(
    ("slug", "wrong"),
    [
        ("personal-page", {"leaking": "greeted Bob as Ada"}),
        ("stale-page", {"timeout": "still showed what was true before"}),
        (
            "per-worker-cache",
            {
                "uncached": "all 40 computed it",
                "local": "hit rate 95 %, each of 2 workers computed it",
            },
        ),
        ("stampede", {"uncached": "all 12 computed it", "plain": "2 computed it at once"}),
        (
            "lost-update",
            {"saved": "lost 1 of 3 votes", "locked-deferred": "refused 1 of 3 votes"},
        ),
    ],
)
def test_the_story_of_each_lesson_tells_right_from_wrong(lab, slug, wrong):
    verdicts, story = play(OverHTTP(lab.url), slug)
    verdicts = {name: (right, words.partition(":")[0]) for name, (right, words) in verdicts.items()}

    assert verdicts == {name: (False, wrong[name]) if name in wrong else RIGHT for name in verdicts}
    assert set(wrong) < set(verdicts)
    assert story.no_verdict == ""
    assert [len(verdict["cells"]) for verdict in story.to_json()["verdicts"]] == [
        len(story.verdicts[0].cells)
    ] * len(verdicts)


def test_the_figure_of_the_cache_for_each_worker_is_the_hit_rate(lab):
    _, story = play(OverHTTP(lab.url), "per-worker-cache")

    _, local, shared = story.verdicts
    assert local.words == "hit rate 95 %, each of 2 workers computed it"  # 2 misses of 40
    assert shared.words == "right: hit rate 98 %, one computed it"
    assert shared.cells[1].words == "hit rate 100 %, nobody computed it"


def test_a_call_within_a_transaction_lets_others_wait(lab):
    verdicts, story = play(OverHTTP(lab.url), "long-transaction", wait=500)

    right, words = verdicts["inside"]
    assert not right
    assert re.fullmatch(r"[1-5] of 6 waited for somebody else's transaction", words)
    assert verdicts["outside"] == RIGHT
    assert story.verdicts[0].cells[0].mark == "right"  # alone nobody waits


def test_two_tiers_show_two_films_after_a_change(lab):
    verdicts, _ = play(OverHTTP(lab.url), "two-tier")

    assert set(verdicts) == {"shared", "two-tiers"}  # without those for reference
    assert verdicts["shared"] == RIGHT
    right, words = verdicts["two-tiers"]
    assert not right
    assert words.startswith("still showed what was true before, ")


@contextmanager
def busy_machine(processes=4):
    """Have other programs compute while the block runs."""
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def test_a_plain_cache_stampedes_on_a_busy_machine_too(lab):
    with busy_machine():
        verdicts, _ = play(OverHTTP(lab.url), "stampede")

    assert verdicts["plain"] == (False, "2 computed it at once")
    assert verdicts["locked"] == verdicts["stale"] == RIGHT


def test_one_worker_cannot_stampede_and_says_so(start_lab):
    lab = start_lab(workers=1)

    verdicts, story = play(OverHTTP(lab.url), "stampede")

    alone = (None, "no verdict: one worker answered them all, one after the other")
    assert verdicts["plain"] == verdicts["locked"] == alone
    assert "plain: no verdict" in story.no_verdict


def test_where_no_two_votes_meet_there_is_no_verdict(start_lab):
    lab = start_lab(workers=1)

    verdicts, story = play(OverHTTP(lab.url), "lost-update")

    alone = (None, "no verdict: the votes were taken one after the other")
    assert set(verdicts.values()) == {alone}
    assert "saved: no verdict" in story.no_verdict


def test_in_a_lab_without_a_shared_cache_the_shared_variant_is_local_too(start_lab):
    lab = start_lab(workers=2)

    verdicts, _ = play(OverHTTP(lab.url), "per-worker-cache")

    words = "hit rate 95 %, each of 2 workers computed it"
    assert verdicts["local"] == verdicts["shared"] == (False, words)


def test_a_cache_that_does_not_answer_gets_no_verdict(start_lab, own_redis):
    lab = start_lab(workers=2, REDIS_URL=own_redis.url)
    own_redis.freeze()
    try:
        verdicts, story = play(OverHTTP(lab.url), "personal-page")
    finally:
        own_redis.thaw()

    assert verdicts["uncached"] == RIGHT  # it asks no cache
    right, words = verdicts["leaking"]
    assert right is None
    assert words.startswith("no verdict: the cache failed ")
    assert story.no_verdict.startswith("leaking: no verdict")


def test_a_story_leaves_the_film_of_the_evening_as_it_was(lab):
    def film():
        answer = lab.get("/experiments/stale-page/uncached/?movies=1")
        return read_answer(answer.text.encode())

    before = film()
    _, story = play(OverHTTP(lab.url), "stale-page")

    films = [[film_of(cell) for cell in verdict.cells] for verdict in story.verdicts]
    firsts, _, thirds, _ = (set(step) for step in zip(*films, strict=True))
    assert firsts == {before} == {film()}  # in each column
    assert len(thirds) == 1
    assert thirds != firsts


def film_of(cell):
    """Return the film that a cell shows, without how often."""
    return re.sub(r" ×\d+$| \d+ quer(y|ies)$", "", cell.text)


def test_deleting_in_local_memory_reaches_one_worker_alone(start_lab):
    lab = start_lab(workers=2)

    verdicts, _ = play(OverHTTP(lab.url), "stale-page")

    assert verdicts["uncached"] == verdicts["versioned"] == RIGHT
    right, words = verdicts["invalidated"]
    assert not right
    assert words.startswith("still showed what was true before")


@pytest.mark.django_db
@pytest.mark.long
def test_a_story_can_be_played_in_process(commits_at_once):
    with in_process() as client:
        verdicts, _ = play(client, "personal-page", cache="locmem")
        films, _ = play(client, "stale-page", cache="locmem")

    assert verdicts.pop("leaking") == (False, "greeted Bob as Ada")
    assert films.pop("timeout") == (False, "still showed what was true before")
    assert set(verdicts.values()) == set(films.values()) == {RIGHT}


@pytest.mark.django_db
@pytest.mark.long
def test_a_mistake_in_the_lesson_is_found(monkeypatch, commits_at_once):
    """The page for each visitor loses `vary_on_cookie`, and the change its deletion."""
    from movies.experiments import personal_page, stale_page
    from perflab.catalogue import registry

    def spoil(slug, name, **changes):
        variant = registry.get(slug).variant(name)
        for field, value in changes.items():
            monkeypatch.setitem(variant.__dict__, field, value)

    spoil("personal-page", "per-visitor", view=personal_page.leaking)
    spoil("stale-page", "invalidated", change=stale_page.change)

    with in_process() as client:
        greetings, _ = play(client, "personal-page", cache="locmem")
        films, _ = play(client, "stale-page", cache="locmem")

    assert greetings["per-visitor"] == (False, "greeted Bob as Ada")
    assert films["invalidated"] == (False, "still showed what was true before")


@pytest.mark.django_db
def test_a_lab_that_lets_nobody_change_it_plays_no_story_that_does(settings):
    settings.LOCAL = "never"

    with in_process() as client, pytest.raises(NoStory, match=r"/story/ \(403\)"):
        play(client, "stale-page", cache="locmem")


def test_the_answer_is_read_as_a_browser_reads_it():
    page = b'<h1>Tonight</h1><p class="lead" data-answer> M*A*S*H &amp; <b>more</b>\n</p><p>no</p>'

    assert read_answer(page) == "M*A*S*H & more"
    assert read_answer(b"<p>data-answer</p>") == ""
