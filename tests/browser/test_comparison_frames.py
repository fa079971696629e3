"""Test in a real Chromium the frames of the comparison page and their figures."""

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from playwright.sync_api import expect

from perflab.measure import server_timing
from tests.support.comparison_page import both_loaded, frame, lane, uncovered

COMPARISON = "/experiments/n-plus-one/"


def as_shown(figure):
    """Return a frame's figure as the scoreboard writes it: whole, or with one digit, half up."""
    value = Decimal(figure)
    if value == value.to_integral_value():
        return f"{value:,.0f}"
    return str(value.quantize(Decimal("0.1"), ROUND_HALF_UP))


def test_both_frames_come_from_their_own_addresses_one_after_the_other(visitor):
    someone = visitor()
    events = []

    def note(what):
        def handler(request):
            match = re.search(r"/(slow|fast)/\?", request.url)
            if match and request.resource_type == "document":
                events.append((what, match[1]))

        return handler

    someone.page.on("request", note("asked"))
    someone.page.on("requestfinished", note("answered"))
    page = someone.open(uncovered(f"{COMPARISON}?movies=50&round_trip=1"))
    both_loaded(page)

    addresses = [frame.url for frame in page.frames[1:]]
    query = "?movies=50&round_trip=1&cache=redis"
    assert addresses == [
        f"{someone.lab.url}{COMPARISON}{variant}/{query}" for variant in ("slow", "fast")
    ]
    assert events == [
        ("asked", "slow"),
        ("answered", "slow"),
        ("asked", "fast"),
        ("answered", "fast"),
    ]


@pytest.mark.parametrize("slug", ["n-plus-one", "low-level-cache"])
def test_the_scoreboard_shows_what_each_frame_s_own_request_measured(visitor, slug):
    someone = visitor()
    measured = {}

    def note(response):
        if match := re.search(r"/(slow|fast)/\?", response.url):
            measured[match[1]] = server_timing.read(response.headers["server-timing"])

    someone.page.on("response", note)
    page = someone.open(uncovered(f"/experiments/{slug}/"))
    both_loaded(page)

    for variant in ("slow", "fast"):
        figures = frame(page, variant).locator(".figures")
        board = lane(page, variant).locator(".score")
        for name in ("queries", "total", "sql", *(["hits"] if slug != "n-plus-one" else [])):
            figure = figures.get_attribute(f"data-{name}")
            assert float(figure) == pytest.approx(measured[variant][name], abs=0.0011)
            expect(board.locator(f"[data-figure={name}]")).to_have_text(as_shown(figure))
        shown = as_shown(figures.get_attribute("data-total"))
        assert figures.locator("b").first.inner_text() == (shown if "." in shown else f"{shown}.0")
        assert f"worker {measured[variant]['worker']}" in figures.inner_text()
    if slug == "n-plus-one":
        expect(lane(page, "slow").locator("[data-figure=queries]")).to_have_text("101")
        expect(lane(page, "fast").locator("[data-figure=queries]")).to_have_text("1")


def test_the_frames_load_and_show_their_figures_without_javascript(visitor):
    page = visitor(java_script_enabled=False).open(uncovered(COMPARISON))

    expect(page.get_by_role("button", name="Load both again")).to_be_visible()
    expect(page.locator("[data-controls]")).to_be_hidden()
    for variant, queries in (("slow", "101 queries"), ("fast", "1 query")):
        frames = lane(page, variant).locator("iframe")
        shown = [frame for frame in frames.all() if frame.is_visible()]
        assert len(shown) == 1
        expect(shown[0].content_frame.locator(".figures")).to_contain_text(queries)
        expect(shown[0].content_frame.locator("tbody tr")).to_have_count(100)
        expect(lane(page, variant).locator(".score")).to_be_hidden()
