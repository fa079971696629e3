"""The site in a real Chromium, against a real lab of four workers.

Whatever page a test opens, a visitor's browser must not complain: no error on its console (where a
violation of the Content-Security-Policy is told too), and no request to anywhere but the lab.
"""

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from perflab import registry, server_timing
from tests.browsers import ERRORS, SLOW
from tests.labs import ROOT

EXPERIMENTS = list(registry.experiments.values())
COMPARISON = "/experiments/n-plus-one/"
PAGES = ["/", "/films/", "/films/?q=love", "/films/1/", "/directors/1/", "/visitor/", *ERRORS]
READ = ["/", "/films/", "/films/1/", "/directors/1/", "/visitor/", "/no/such/page/"]
READ += [f"{SLOW}?movies=none"]
COMPARISONS = [f"/experiments/{experiment.slug}/" for experiment in EXPERIMENTS]
RUNGS = [
    f"/experiments/{experiment.slug}/{rung.name}/"
    for experiment in EXPERIMENTS
    for rung in experiment.rungs
]
FAST = [path for path in RUNGS if path.endswith("/fast/")]
OUR_FILES = [*(ROOT / "perflab/static").rglob("*.css"), *(ROOT / "perflab/static").rglob("*.js")]


def lane(page, name):
    return page.locator(f"[data-lane={name}]")


def frame(page, name):
    return lane(page, name).locator("iframe[data-src]").content_frame


def both_loaded(page):
    """Look at the lanes, and wait until both frames hold their page and figures."""
    lane(page, "slow").scroll_into_view_if_needed()  # a phone loads them when they are in sight
    for name in ("slow", "fast"):
        expect(frame(page, name).locator(".figures")).to_be_visible()


def show_toolbar(where):
    """Unfold the toolbar of a page or a frame, unless it remembers to be."""
    where.locator("#djShowToolBarButton:visible, #djDebugPanelList:visible").first.wait_for()
    if where.locator("#djShowToolBarButton").is_visible():
        where.locator("#djShowToolBarButton").click()


def open_panel(where, name):
    """Open a panel of the toolbar in a page or a frame; its content, once it is there."""
    where.locator(f"#djdt-{name} a").click()
    content = where.locator(f"#{name} .djdt-scroll")
    expect(content).not_to_be_empty()
    return content


def as_shown(figure):
    """A figure of a frame's as the scoreboard writes it: whole, or with one digit, half up."""
    value = Decimal(figure)
    if value == value.to_integral_value():
        return f"{value:,.0f}"
    return str(value.quantize(Decimal("0.1"), ROUND_HALF_UP))


# The comparison.


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
    page = someone.open(f"{COMPARISON}?movies=50&round_trip=1")
    both_loaded(page)

    addresses = [frame.url for frame in page.frames[1:]]
    query = "?movies=50&round_trip=1&cache=redis"
    assert addresses == [
        f"{someone.lab.url}{COMPARISON}{side}/{query}" for side in ("slow", "fast")
    ]
    assert events == [
        ("asked", "slow"),
        ("answered", "slow"),
        ("asked", "fast"),
        ("answered", "fast"),
    ]


@pytest.mark.parametrize("slug", ["n-plus-one", "cache-page", "low-level-cache"])
def test_the_scoreboard_shows_what_each_frame_s_own_request_measured(visitor, slug):
    someone = visitor()
    measured = {}

    def note(response):
        if match := re.search(r"/(slow|fast)/\?", response.url):
            measured[match[1]] = server_timing.load(response.headers["server-timing"])

    someone.page.on("response", note)
    page = someone.open(f"/experiments/{slug}/")
    both_loaded(page)

    for side in ("slow", "fast"):
        figures = frame(page, side).locator(".figures")
        board = lane(page, side).locator(".score")
        for name in ("queries", "total", "sql", *(["hits"] if slug != "n-plus-one" else [])):
            figure = figures.get_attribute(f"data-{name}")
            assert float(figure) == pytest.approx(measured[side][name], abs=0.0011)
            expect(board.locator(f"[data-figure={name}]")).to_have_text(as_shown(figure))
        shown = as_shown(figures.get_attribute("data-total"))
        assert figures.locator("b").first.inner_text() == (shown if "." in shown else f"{shown}.0")
        assert f"worker {measured[side]['worker']}" in figures.inner_text()
    if slug == "n-plus-one":
        expect(lane(page, "slow").locator("[data-figure=queries]")).to_have_text("101")
        expect(lane(page, "fast").locator("[data-figure=queries]")).to_have_text("1")


def test_the_inspect_switch_puts_a_working_toolbar_into_both_frames(visitor):
    page = visitor().open(COMPARISON)
    both_loaded(page)
    for side in ("slow", "fast"):
        expect(lane(page, side).locator(".score")).to_be_visible()
        expect(frame(page, side).locator("#djDebug")).to_have_count(0)

    page.get_by_role("link", name="Inspect both").click()

    for side in ("slow", "fast"):
        expect(frame(page, side).locator(".figures")).to_contain_text("Inspecting.")
        expect(lane(page, side).locator(".score")).to_be_hidden()
    for side, queries in (("slow", 101), ("fast", 1)):
        lane(page, side).locator("iframe[data-src]").scroll_into_view_if_needed()
        show_toolbar(frame(page, side))
        panel = open_panel(frame(page, side), "SQLPanel")
        expect(panel.locator(".djDebugSql")).to_have_count(queries)
        expect(panel).to_contain_text("LIMIT 100")
        panel.get_by_role("button", name="Expl").first.click()
        expect(frame(page, side).locator("#djDebugWindow")).to_contain_text("SCAN movies_movie")

    page.get_by_role("link", name="Measure both").click()

    both_loaded(page)
    for side in ("slow", "fast"):
        expect(lane(page, side).locator(".score")).to_be_visible()
        expect(frame(page, side).locator("#djDebug")).to_have_count(0)


def test_the_frames_load_and_show_their_figures_without_javascript(visitor):
    page = visitor(java_script_enabled=False).open(COMPARISON)

    for side, queries in (("slow", "101 queries"), ("fast", "1 query")):
        frames = lane(page, side).locator("iframe")
        shown = [frame for frame in frames.all() if frame.is_visible()]
        assert len(shown) == 1
        expect(shown[0].content_frame.locator(".figures")).to_contain_text(queries)
        expect(shown[0].content_frame.locator("tbody tr")).to_have_count(100)
        expect(lane(page, side).locator(".score")).to_be_hidden()


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
    looks("Measuring. No toolbar in the way.", 0)
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
    expect(request).to_contain_text("perflab.views.rung")
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


def test_no_page_makes_the_browser_complain(visitor):
    someone = visitor()

    for path in (*PAGES, *(f"{path}?movies=10" for path in (*COMPARISONS, *RUNGS))):
        page = someone.open(path)
        expect(page.locator("body > #djDebugRoot")).to_have_count(1)
        if page.locator("[data-lane]").count():
            both_loaded(page)
        assert someone.complaints == []


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


# Everybody can read it.


def test_no_page_is_wider_than_a_phone(visitor):
    someone = visitor(viewport={"width": 390, "height": 800})
    wide = []

    for path in (*PAGES, *COMPARISONS, *(f"{rung}?movies=500&inspect=0" for rung in FAST)):
        page = someone.open(path)
        if path in COMPARISONS:
            both_loaded(page)
        for frame in page.frames:
            if frame.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(frame.url)

    assert wide == []


def test_the_keyboard_reaches_everything_and_shows_where_it_is(visitor):
    page = visitor().open(f"{COMPARISON}?inspect=0")
    skip = page.locator(".skip")
    expect(skip).not_to_be_in_viewport()

    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")

    reached = set()
    for _ in range(60):
        seen = page.evaluate(
            """() => {
                const it = document.activeElement, style = getComputedStyle(it);
                const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                return [it.tagName, it.name || it.title || it.textContent.trim(), ringed];
            }"""
        )
        if seen[0] == "BODY":
            break
        assert seen[2] or seen[0] == "IFRAME", f"{seen} has the focus and does not show it"
        reached.add(seen[1])
        page.keyboard.press("Tab")

    wanted = {"movies", "round_trip", "cache", "Inspect both", "This side alone"}
    assert wanted <= reached


@pytest.mark.parametrize(("scheme", "rules"), [("light", None), ("dark", ["color-contrast"])])
def test_axe_finds_nothing_to_mend(visitor, scheme, rules):
    someone = visitor(color_scheme=scheme)
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    found = {}

    for path in (*READ, "/experiments/cache-page/?movies=9", f"{SLOW}?movies=9"):
        page = someone.open(f"{path}{'&' if '?' in path else '?'}inspect=0")
        expect(page.locator("main h1")).not_to_be_empty()
        expect(page.locator("#djDebug")).to_have_count(0)
        report = Axe().run(page, options=options)
        assert len(report.response["passes"]) >= (1 if rules else 11)
        if report.violations_count:
            found[path] = report.generate_report()

    assert found == {}


def test_both_themes_are_themes(visitor):
    def background(scheme):
        page = visitor(color_scheme=scheme).open("/")
        return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    light, dark = background("light"), background("dark")

    assert sum(map(int, re.findall(r"\d+", light))) > 3 * 200
    assert sum(map(int, re.findall(r"\d+", dark))) < 3 * 60


def test_our_css_and_js_weigh_less_than_60_kb():
    assert sum(path.stat().st_size for path in OUR_FILES) < 60_000
    assert len(OUR_FILES) >= 2
