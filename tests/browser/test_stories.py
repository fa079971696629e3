"""Test in a real Chromium the stories of comparison pages, and their verdicts."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browsers import arrivals
from tests.support.comparison_page import done, marks, out, read_story, run, run_story


def test_a_story_shows_whose_page_a_cached_page_is(visitor):
    ada = visitor()
    page = ada.open("/experiments/personal-page/?movies=10&guess=skip&inspect=0")

    run(page, "story")

    asked, bob, back, eve, verdict = read_story(page).values()
    variants = list(asked)
    assert marks(asked) == marks(back) == dict.fromkeys(variants, "right")
    for row in (bob, eve, verdict):
        assert marks(row) == dict.fromkeys(variants, "right") | {"Leaking": "other"}
    assert "Welcome, Ada." in bob["Leaking"][1]
    assert "somebody else’s · greeted Bob as Ada" in bob["Leaking"][1]
    assert "greeted Bob as Ada" in verdict["Leaking"][1]
    assert "0 queries" in eve["Fragment"][1]
    expect(out(page, "failure")).to_be_hidden()
    tokens = {cold[0] for a in ada.answers if (cold := re.findall(r"[?&]cold=(\w+)", a.url))}
    assert len(tokens) == len(variants)  # each variant begins with an empty cache of its own
    ada.open("/visitor/")
    expect(page.get_by_label("Your name")).to_have_value("")  # whoever it was before


def test_a_story_of_a_burst_counts_who_computed_and_says_how_wide_it_was(visitor):
    page = visitor().open("/experiments/stampede/?movies=10&guess=skip&inspect=0")

    run(page, "story")

    _, burst, _, verdict = read_story(page).values()
    for row in (burst, verdict):
        assert marks(row) == {
            "Uncached": "again",
            "Plain": "again",
            "Locked": "right",
            "Stale": "right",
        }
    assert "12 of 12 computed it" in burst["Uncached"][1]
    assert "2 of 12 computed it" in burst["Plain"][1]  # each of two sync workers
    for _, words in burst.values():
        assert "12 in flight at once, answered by 2 workers" in words


def test_a_story_that_changes_data_shows_every_variant_the_same_films(visitor):
    page = visitor().open("/experiments/stale-page/?movies=10&runs=5&guess=skip&inspect=0")
    run(page)  # every variant's entry is in the cache

    run(page, "story")

    films = [
        {variant: words.partition(" ×")[0] for variant, (_, words) in row.items()}
        for row in read_story(page).values()
    ]
    before, changed, later, _, _ = films
    assert len(set(before.values())) == len(set(later.values())) == 1
    assert set(before.values()) != set(later.values())
    assert set(changed.values()) <= set(before.values()) | set(later.values())
    for row in read_story(page).values():
        for variant, (mark, _) in row.items():
            assert mark == "right" or (variant, mark) == ("Timeout", "stale")
    run(page)
    expect(out(page, "same")).to_have_text("Same page")  # no stale page is left behind


def test_two_voters_at_once_lose_a_vote_and_the_cells_count_it(visitor):
    voter = visitor()
    page = voter.open("/experiments/lost-update/?movies=10&guess=skip&inspect=0")

    one, two, six, verdict = run_story(page).values()
    variants = ["Saved", "In transaction", "Locked deferred", "Locked", "Expression"]
    assert marks(one) == dict.fromkeys(variants, "right")
    wrong = dict.fromkeys(("Saved", "Locked deferred"), "wrong")
    for row in (six, verdict):
        assert marks(row) == dict.fromkeys(variants, "right") | wrong
    assert re.search(r"lost \d of 9 votes", six["Saved"][1])
    assert re.search(r"refused \d of 9 votes", six["Locked deferred"][1])
    for variant in ("In transaction", "Locked", "Expression"):
        assert "3 votes" in two[variant][1]
        assert "counted all 9 votes" in six[variant][1]
    refusals = [complaint for complaint in voter.complaints if "status of 503" in complaint]
    assert all("/locked-deferred/change/" in complaint for complaint in refusals)
    voter.complaints[:] = [c for c in voter.complaints if c not in refusals]
    expect(out(page, "failure")).to_be_hidden()


@pytest.mark.parametrize(("name", "counted"), [("saved", 1), ("expression", 2)])
def test_two_browsers_vote_by_hand_and_save_loses_one_of_their_votes(visitor, name, counted):
    pages = [visitor().open(f"/votes/{name}/") for _ in range(2)]
    before = read_votes(pages[0])

    for page in pages:
        page.locator("main form").evaluate("form => form.requestSubmit()")
    for page in pages:
        expect(page.get_by_text(re.compile("when your vote began"))).to_be_visible()
    pages[0].goto(f"/votes/{name}/")

    assert read_votes(pages[0]) - before == counted


def read_votes(page):
    return int(page.locator("[data-answer]").inner_text().split()[0])


def test_a_call_within_a_transaction_makes_the_others_wait_and_the_cells_say_how_long(visitor):
    page = visitor().open("/experiments/long-transaction/?movies=10&guess=skip&inspect=0")

    run(page, "story")

    alone, six, more, verdict = read_story(page).values()
    assert marks(alone) == {"Inside": "right", "Outside": "right"}
    for row in (six, more, verdict):
        assert marks(row) == {"Inside": "wrong", "Outside": "right"}
    waits = re.search(r"up to ([\d,]+) ms .+ to ([\d,]+) ms", six["Inside"][1]).groups()
    longest, slowest = (int(ms.replace(",", "")) for ms in waits)
    assert 100 < longest < slowest
    assert re.search(r"\d of 6 waited for somebody else's transaction", six["Inside"][1])
    assert "nobody waited for another visitor" in six["Outside"][1]


def test_workers_are_drawn_with_their_hits_and_misses_and_without_their_pids(visitor, lab):
    page = visitor().open("/experiments/per-worker-cache/?movies=10&guess=skip&inspect=0")

    run(page, "story")

    first, *_ = page.locator("[data-story] tbody tr").all()
    uncached, local, shared = first.locator("td").all()
    expect(local).to_have_attribute("data-mark", "again")
    expect(local.locator("svg")).to_have_accessible_name(
        re.compile(r"^worker 1: \d+ hits?, 1 miss; worker 2: \d+ hits?, 1 miss$")
    )
    expect(shared).to_have_attribute("data-mark", "right")
    expect(shared.locator("rect.miss[width='0']")).to_have_count(1)
    expect(uncached.locator("svg")).to_have_accessible_name(re.compile("without a cache"))
    text = page.locator("[data-story]").inner_text()
    assert not [pid for pid in lab.worker_pids() if str(pid) in text]


STORY_PAGES = (
    "personal-page",
    "stale-page",
    "per-worker-cache",
    "stampede",
    "lost-update",
    "long-transaction",
)


@pytest.mark.parametrize("slug", STORY_PAGES)
def test_the_story_stands_before_the_run_where_it_is_the_lesson(visitor, slug):
    page = visitor(viewport={"width": 390, "height": 900}).open(
        f"/experiments/{slug}/?movies=10&guess=skip&inspect=0"
    )

    story, controls, lane = (
        page.locator(selector).first.bounding_box()["y"]
        for selector in ("[data-do=story]", "[data-do=run]", "[data-lane]")
    )

    assert story < controls < lane
    page.keyboard.press("t")
    expect(page.locator("[data-do=story]")).to_be_disabled()
    page.keyboard.press("s")
    done(page)


def test_a_stopped_story_says_nothing_more(visitor):
    page = visitor().open("/experiments/stampede/?movies=10&guess=skip&inspect=0")
    page.locator("[data-do=story]").click()
    expect(page.locator("[data-story] tbody td").first).not_to_be_empty()

    page.keyboard.press("s")
    done(page)

    expect(page.locator("[data-story] tbody tr").last.locator("td").last).to_be_empty()
    expect(out(page, "failure")).to_be_hidden()


STALE_PAGE = "/experiments/stale-page/?movies=10&guess=skip&inspect=0"


@pytest.fixture
def film(lab):
    """A function that returns the film of the evening, as the lab shows it now."""

    def film():
        page = lab.get("/experiments/stale-page/uncached/?movies=1").text
        return page.partition("data-answer>")[2].partition("<")[0]

    return film


def wait_for_change(page):
    """Wait until the first variant's story has changed the film."""
    changed = page.locator("[data-story] tbody tr").nth(1).locator("td").first
    expect(changed).not_to_be_empty()


def test_two_who_play_at_once_take_turns_and_both_see_the_truth(visitor, film):
    before = film()
    pages = [visitor().open(STALE_PAGE) for _ in range(2)]

    for page in pages:
        page.locator("[data-do=story]").click()
    expect(out(pages[1], "story")).to_contain_text("Yours begins when that one has ended.")
    for page in pages:
        done(page)

    for page in pages:
        first, _, _, _, verdict = read_story(page).values()
        assert {words.partition(" ×")[0] for _, words in first.values()} == {before}
        assert marks(verdict) == dict.fromkeys(verdict, "right") | {"Timeout": "stale"}
        expect(out(page, "story")).to_be_empty()
    assert film() == before


def test_a_stopped_story_restores_the_film(visitor, film):
    before = film()
    page = visitor().open(STALE_PAGE)
    page.locator("[data-do=story]").click()
    wait_for_change(page)
    assert film() != before

    page.locator("[data-do=stop-story]").click()
    done(page)

    assert film() == before


def test_a_page_that_is_left_restores_the_film(visitor, film):
    before = film()
    page = visitor().open(STALE_PAGE)
    page.locator("[data-do=story]").click()
    wait_for_change(page)

    page.goto("/health/")

    for _ in range(100):
        if film() == before:
            break
        page.wait_for_timeout(100)
    assert film() == before


def test_a_cache_that_does_not_answer_gets_no_verdict_and_the_page_says_why(
    chromium, start_lab, own_redis
):
    lab = start_lab(workers=2, REDIS_URL=own_redis.url)
    with arrivals(chromium, lab) as arrive:
        page = arrive().open("/experiments/personal-page/?movies=10&guess=skip&inspect=0")
        own_redis.freeze()
        try:
            run(page, "story")
        finally:
            own_redis.thaw()

        *_, verdict = read_story(page).values()
        assert marks(verdict)["Uncached"] == "right"
        assert marks(verdict)["Leaking"] == "none"
        expect(out(page, "failure")).to_contain_text("Leaking, no verdict: the cache failed")


def test_one_worker_cannot_stampede_and_the_page_says_so(chromium, start_lab):
    lab = start_lab(workers=1)
    with arrivals(chromium, lab) as arrive:
        page = arrive().open("/experiments/stampede/?movies=10&guess=skip&inspect=0")

        run(page, "story")

        *_, verdict = read_story(page).values()
        assert marks(verdict)["Plain"] == marks(verdict)["Locked"] == "none"
        expect(out(page, "failure")).to_contain_text("A single worker cannot stampede")


def test_who_may_not_start_a_burst_sends_what_a_browser_can(chromium, start_lab):
    lab = start_lab(workers=2, PERFLAB_LOCAL="never")
    with arrivals(chromium, lab) as arrive:
        page = arrive().open("/experiments/stampede/?movies=10&guess=skip&inspect=0")

        run(page, "story")

        _, burst, _, _ = read_story(page).values()
        widths = [re.search(r"(\d+) in flight at once", words)[1] for _, words in burst.values()]
        assert all(1 <= int(width) <= 6 for width in widths)
        assert "12 of 12 computed it" in burst["Uncached"][1]


@pytest.mark.parametrize(
    ("slug", "scheme"), [("personal-page", "light"), ("per-worker-cache", "dark")]
)
def test_a_played_story_fits_a_phone(visitor, slug, scheme):
    page = visitor(viewport={"width": 390, "height": 900}, color_scheme=scheme).open(
        f"/experiments/{slug}/?movies=10&guess=skip&inspect=0"
    )

    run(page, "story")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    signs = page.locator("[data-story] .sign").all_inner_texts()
    assert signs
    assert all(re.match(r"[✓◷✗↻?]", sign) for sign in signs)  # told apart without colour
