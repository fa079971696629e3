"""Test in a real Chromium the switch between inspecting and measuring, and the toolbar."""

import pytest
from playwright.sync_api import expect

from tests.support.browsers import SLOW
from tests.support.comparison_page import both_loaded, frame, lane, uncovered

COMPARISON = "/experiments/n-plus-one/"


def show_toolbar(where):
    """Unfold the toolbar of a page or a frame, unless it remembers to be."""
    where.locator("#djShowToolBarButton:visible, #djDebugPanelList:visible").first.wait_for()
    if where.locator("#djShowToolBarButton").is_visible():
        where.locator("#djShowToolBarButton").click()


def open_panel(where, name):
    """Open a panel of the toolbar in a page or a frame; return its content, once it is there."""
    where.locator(f"#djdt-{name} a").click()
    content = where.locator(f"#{name} .djdt-scroll")
    expect(content).not_to_be_empty()
    return content


# The comparison.


def test_the_inspect_switch_puts_a_working_toolbar_into_both_frames(visitor):
    page = visitor().open(uncovered(COMPARISON))
    both_loaded(page)
    for variant in ("slow", "fast"):
        expect(lane(page, variant).locator(".score")).to_be_visible()
        expect(frame(page, variant).locator("#djDebug")).to_have_count(0)

    page.get_by_role("link", name="Inspect both").click()

    for variant in ("slow", "fast"):
        expect(frame(page, variant).locator(".figures")).to_contain_text("Inspecting.")
        expect(lane(page, variant).locator(".score")).to_be_hidden()
    for variant, queries in (("slow", 101), ("fast", 1)):
        lane(page, variant).locator("iframe[data-src]").scroll_into_view_if_needed()
        show_toolbar(frame(page, variant))
        panel = open_panel(frame(page, variant), "SQLPanel")
        expect(panel.locator(".djDebugSql")).to_have_count(queries)
        expect(panel).to_contain_text("LIMIT 100")
        panel.get_by_role("button", name="Expl").first.click()
        expect(frame(page, variant).locator("#djDebugWindow")).to_contain_text("SCAN movies_movie")

    page.get_by_role("link", name="Measure both").click()

    both_loaded(page)
    for variant in ("slow", "fast"):
        expect(lane(page, variant).locator(".score")).to_be_visible()
        expect(frame(page, variant).locator("#djDebug")).to_have_count(0)


# Inspecting and measuring.


@pytest.mark.parametrize("path", ["/films/?q=love", COMPARISON, f"{SLOW}?movies=12"])
def test_the_line_under_the_header_tells_the_way_of_looking_and_switches_it(visitor, path):
    page = visitor().open(path)
    way = page.locator("body > .figures .way")
    heading = page.locator("main h1").inner_text()

    def looks(word, toolbars):
        expect(way).to_contain_text(word)
        expect(page.locator("body > #djDebugRoot")).to_have_count(toolbars)
        expect(page.locator("main h1")).to_have_text(heading)

    looks("Inspecting. These times include the debug toolbar.", 1)
    way.get_by_role("link").click()
    looks("Measuring. The debug toolbar is off.", 0)
    way.get_by_role("link").click()
    looks("Inspecting.", 1)
    way.get_by_role("link").click()
    looks("Measuring.", 0)


def test_a_person_clicks_through_the_toolbar(visitor):
    someone = visitor()
    someone.open("/films/?q=love")
    page = someone.open("/experiments/cache-page/fast/?movies=43")

    show_toolbar(page)
    sql = open_panel(page, "SQLPanel")
    expect(sql).to_contain_text("LIMIT 43")
    expect(sql.locator(".djDebugSql")).to_have_count(2)
    sql.get_by_role("button", name="Sel").first.click()
    window = page.locator("#djDebugWindow")
    expect(window.locator("tbody tr")).to_have_count(43)
    window.locator(".djDebugClose").click()
    sql.get_by_role("button", name="Expl").first.click()
    expect(window).to_contain_text("SCAN movies_movie")
    window.locator(".djDebugClose").click()

    expect(open_panel(page, "TemplatesPanel")).to_contain_text("movies/programme.html")
    request = open_panel(page, "RequestPanel")
    expect(request).to_contain_text("perflab.web.views.variant")
    expect(request).to_contain_text("'43'")
    timer = open_panel(page, "TimerPanel")
    expect(timer).to_contain_text("Total CPU time")
    expect(timer.locator("#djDebugBrowserTiming")).to_be_visible()
    cache = open_panel(page, "CachePanel")
    expect(cache).to_contain_text("views.decorators.cache.cache_page")
    expect(cache).to_contain_text("default (LabCache)")

    history = open_panel(page, "HistoryPanel")
    earlier = history.locator("tr", has_text="/films/?q=love").first
    expect(history.locator("tr.djdt-highlighted")).to_contain_text("/experiments/cache-page/fast/")
    earlier.get_by_role("button", name="Switch").click()
    expect(page.locator("#djdt-TemplatesPanel")).to_contain_text("movies/films.html")
    expect(open_panel(page, "SQLPanel")).to_contain_text("love")


def test_a_browser_would_have_complained(visitor):
    someone = visitor()
    page = someone.open("/")

    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=//example.invalid/x>')")
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.evaluate("console.error('broken')")
    page.wait_for_timeout(200)

    complaints = " ".join(someone.complaints)
    someone.complaints.clear()
    assert "example.invalid" in complaints
    assert "style-src 'self'" in complaints
    assert "broken" in complaints
