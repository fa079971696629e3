"""Test in a real Chromium the ladders and own knobs of comparison pages."""

import re

from playwright.sync_api import expect

from tests.support.comparison_page import figures, out, run


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
    # The headline is of the first and the best variant of the ladder, not of the reference beside
    # it.
    medians = dict(zip(lanes, map(float, figures(page)["median, ms"]), strict=True))
    named = re.match(r"Best of them: ([\w -]+)\.", out(page, "best").inner_text())
    best = named[1].replace(" ", "-") if named else lanes[-2]
    interval = re.search(r"interval ([\d.,]+) to ([\d.,]+);", out(page, "interval").inner_text())
    low, high = (float(end.replace(",", "")) for end in interval.groups())
    assert 0.95 * low <= medians[lanes[0]] / medians[best] <= 1.05 * high


def test_only_the_ends_of_a_long_ladder_are_framed(visitor):
    page = visitor().open("/experiments/what-to-cache/?movies=10&guess=skip&inspect=0")

    framed = page.locator("[data-lane]:has(iframe)")

    assert framed.evaluate_all("all => all.map(lane => lane.dataset.lane)") == [
        "nothing",
        "site-first",
    ]


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
    expect(out(page, "figure")).to_have_text(re.compile(r"^[\d.]+ → [\d.]+ MB$"))
    expect(out(page, "interval")).to_contain_text("times to the last byte")


def test_bytes_on_the_wire_are_counted_and_a_304_has_none(visitor):
    page = visitor().open("/experiments/conditional-get/?movies=20&runs=5&guess=skip&inspect=0")

    run(page)

    whole, hashed, asked_first = figures(page)["bytes on the wire"]
    assert int(whole.replace(",", "")) > 1000
    assert (hashed, asked_first) == ("0", "0")
    expect(out(page, "figure")).to_have_text(re.compile(r"^[\d,]+ → 0 bytes$"))
    expect(page.locator("[data-lane=hashed]")).not_to_have_class(re.compile("loses"))


def test_a_lesson_that_needs_another_database_can_be_read_and_offers_nothing(visitor):
    page = visitor().open("/experiments/connections/?inspect=0")

    expect(page.locator(".needs")).to_contain_text("DATABASE_URL of such a database")
    expect(page.locator("[data-do=run]")).to_be_hidden()
    expect(page.get_by_role("heading", name="The code")).to_be_visible()


def test_a_handout_has_no_heading_without_anything_below_it(visitor):
    page = visitor().open("/experiments/n-plus-one/?guess=skip&inspect=0")
    page.emulate_media(media="print")

    sections = [page.locator(section) for section in (".load-section", ".grow")]
    for section in sections:
        expect(section).to_be_hidden()

    page.evaluate("document.querySelector('[data-charts]').innerHTML = '<svg></svg>'")
    expect(sections[1]).to_be_visible()
