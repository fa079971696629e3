"""Test in a real Chromium the ladders, stories and own knobs of comparison pages."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.comparison_page import done, figures, out, run


def read_story(page):
    """Return the story's table as {what happens: {variant: (mark, what the cell says)}}."""
    variants = page.locator("[data-story] thead th").all_inner_texts()[1:]
    rows = page.locator("[data-story] tr:has(td)").all()
    return {
        row.locator("th").inner_text(): {
            variant: (cell.get_attribute("data-mark"), cell.inner_text())
            for variant, cell in zip(variants, row.locator("td").all(), strict=True)
        }
        for row in rows
    }


def marks(row):
    return {variant: mark for variant, (mark, _) in row.items()}


def test_a_ladder_is_one_drawing_with_its_share_of_a_bare_response(visitor):
    page = visitor().open("/experiments/what-to-cache/?movies=10&runs=5&guess=skip&inspect=0")
    lanes = page.locator("[data-lane]").evaluate_all("all => all.map(lane => lane.dataset.lane)")

    run(page)

    ladder = page.locator("[data-ladder] svg")
    expect(ladder.locator("circle")).to_have_count(len(lanes))
    words = ladder.locator("text.tick").all_text_contents()
    shares = [text for text in words if "% of bare" in text]
    assert len(shares) == len(lanes) - 1  # all but the bare response itself
    assert [len(row) for row in figures(page).values()] == [len(lanes)] * len(figures(page))
    expect(out(page, "same")).to_have_text("Same page, except for Bare")
    # The headline is of the first and the last variant of the ladder, not of the reference beside
    # it.
    medians = dict(zip(lanes, map(float, figures(page)["median, ms"]), strict=True))
    ratio = float(re.search(r"[\d.]+", out(page, "interval").inner_text())[0])
    assert ratio == pytest.approx(medians[lanes[0]] / medians[lanes[-2]], rel=0.2)


def test_only_the_ends_of_a_long_ladder_are_framed(visitor):
    page = visitor().open("/experiments/what-to-cache/?movies=10&guess=skip&inspect=0")

    framed = page.locator("[data-lane]:has(iframe)")

    assert framed.evaluate_all("all => all.map(lane => lane.dataset.lane)") == ["nothing", "site"]


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
        {variant: words.partition("\n")[0] for variant, (_, words) in row.items()}
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


STORY_PAGES = ("personal-page", "stale-page", "per-worker-cache", "stampede")


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


def test_a_knob_of_its_own_stands_in_the_addresses_and_can_be_swept(visitor):
    page = visitor().open("/experiments/deep-pages/?movies=10&guess=skip&inspect=0")

    page.locator("select[name=page]").select_option("100")
    expect(page.locator("[data-lane] .alone a").first).to_have_attribute(
        "href", re.compile(r"[?&]page=100\b")
    )
    run(page, "grow-page")

    assert "page=100" in page.url
    expect(page.locator("[data-charts] svg")).to_have_count(2)
    expect(page.locator("[data-charts] .label-x").first).to_have_text("Page")


def test_the_names_of_many_lines_do_not_overlap_and_each_line_has_dashes_of_its_own(visitor):
    page = visitor().open("/experiments/ladder/?movies=2&guess=skip&inspect=0")
    page.route("**/rows.json", lambda route: route.fulfill(json={"rows": 11}))

    run(page, "grow")

    for chart in page.locator("[data-charts] svg").all():
        heights = sorted(float(name.get_attribute("y")) for name in chart.locator(".name").all())
        dashes = [line.get_attribute("stroke-dasharray") for line in chart.locator(".series").all()]
        assert len(heights) == 9
        assert all(b - a > 16.9 for a, b in zip(heights, heights[1:], strict=False))
        assert len(set(dashes[1:])) == len(dashes[1:])
    ticks = page.locator("[data-charts] svg").nth(1).locator(".tick").all_text_contents()
    assert all(float(tick.replace(",", "")).is_integer() for tick in ticks)


def test_the_sweep_of_a_simulated_line_leaves_out_no_line_and_draws_the_bytes(visitor):
    page = visitor().open("/experiments/payload/?movies=2&guess=skip&inspect=0")

    run(page, "grow-line")

    labels = page.locator("[data-charts] .label-x, [data-charts] .label-y").all_text_contents()
    assert labels == ["Simulated line, kbit/s", "ms", "Simulated line, kbit/s", "bytes"]
    titles = page.locator("[data-charts] svg").nth(1).locator("circle title").all_text_contents()
    assert len(titles) == 4 * 3
    assert not [title for title in titles if title.endswith(" at 0 Simulated line, kbit/s")]


def test_peaks_of_memory_are_the_headline_where_a_lesson_is_about_them(visitor):
    page = visitor().open("/experiments/streaming-export/?movies=500&runs=5&guess=skip&inspect=0")

    run(page)

    slow, fast = map(float, figures(page)["peak memory, MB"])
    assert slow > fast > 0
    expect(out(page, "queries")).to_have_text(
        re.compile(r"^[\d.]+ MB of memory → [\d.]+ MB of memory$")
    )
    expect(out(page, "interval")).to_contain_text("times to the last byte")


def test_bytes_on_the_wire_are_counted_and_a_304_has_none(visitor):
    page = visitor().open("/experiments/conditional-get/?movies=20&runs=5&guess=skip&inspect=0")

    run(page)

    whole, hashed, asked_first = figures(page)["bytes on the wire"]
    assert int(whole.replace(",", "")) > 1000
    assert (hashed, asked_first) == ("0", "0")
    expect(out(page, "queries")).to_have_text(re.compile(r"^[\d,]+ bytes → 0 bytes$"))


def test_a_lesson_that_needs_another_database_can_be_read_and_offers_nothing(visitor):
    page = visitor().open("/experiments/connections/?inspect=0")

    expect(page.locator(".needs")).to_contain_text("DATABASE_URL of such a database")
    expect(page.locator("[data-do=run]")).to_be_hidden()
    expect(page.get_by_role("heading", name="The code")).to_be_visible()
