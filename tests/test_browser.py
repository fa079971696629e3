"""The site in a real Chromium, against a real lab.

Whatever page a test opens, a visitor's browser must not complain: no error on its console (where a
violation of the Content-Security-Policy is told too), and no request to anywhere but the lab.
"""

import gzip
import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from perflab.catalogue import registry
from perflab.measure import server_timing
from tests.browsers import ERRORS, SLOW, arrivals
from tests.labs import ROOT

EXPERIMENTS = registry.runnable()
COMPARISON = "/experiments/n-plus-one/"
PAGES = ["/", "/films/", "/films/?q=love", "/films/1/", "/directors/1/", "/visitor/", *ERRORS]
PAGES += [
    COMPARISON,
    "/load/",
    "/system/",
    "/tuning/",
    "/io-bound/?ms=0",
    f"{SLOW}?movies=10",
    "/experiments/cache-page/fast/?movies=10",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 800}

# What axe is asked for.
EVERYTHING = "{exclude: [['#djDebugRoot'], ['iframe']]}"
ALL_BUT_COLOURS = (
    "{resultTypes: ['violations'], iframes: false, rules: {'color-contrast': {enabled: false}}}"
)
COLOURS = "{resultTypes: ['violations'], iframes: false, runOnly: ['color-contrast']}"
# Puts the first text of each kind into `newKinds` and tells the kinds: for a style sheet, the names
# and classes of all that a text stands in. What is not shown has no colours.
NEW_KINDS = """(seen) => {
    const kind = (e) => e ? `${kind(e.parentElement)}>${e.localName}.${e.className}` : "";
    const texts = document.evaluate("//body//text()[normalize-space()]", document, null, 7);
    const found = new Map();
    for (let i = 0; i < texts.snapshotLength; i++) {
        const parent = texts.snapshotItem(i).parentElement;
        const name = kind(parent);
        if (!seen.includes(name) && !found.has(name) && parent.checkVisibility())
            found.set(name, parent);
    }
    window.newKinds = [...found.values()];
    return [...found.keys()];
}"""
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


def framed(page):
    """The frames of a comparison page, once all of them hold the answer of their variant."""
    frames = []
    for place in page.locator("[data-lane] iframe[data-src]").all():
        place.scroll_into_view_if_needed()
        place.content_frame.locator("body > *").first.wait_for(state="attached")
        frames.append(place.element_handle().content_frame())
        frames[-1].wait_for_load_state()
    return frames


def barriers(where, *arguments):
    """What axe finds to mend in a page or a frame; the arguments are JavaScript, as axe takes them.

    Without them it looks at all but colours, the toolbar, and the frames in it.
    """
    if not where.evaluate("'axe' in window"):
        where.evaluate(AXE_SCRIPT)
    asked = ", ".join(arguments or (EVERYTHING, ALL_BUT_COLOURS))
    rules = where.evaluate(f"axe.run({asked}).then((found) => found.violations)")
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in rules]


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
            measured[match[1]] = server_timing.load(response.headers["server-timing"])

    someone.page.on("response", note)
    page = someone.open(f"/experiments/{slug}/")
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


def test_the_inspect_switch_puts_a_working_toolbar_into_both_frames(visitor):
    page = visitor().open(COMPARISON)
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


def test_the_frames_load_and_show_their_figures_without_javascript(visitor):
    page = visitor(java_script_enabled=False).open(COMPARISON)

    expect(page.get_by_role("button", name="Load both again")).to_be_visible()
    expect(page.locator("[data-controls]")).to_be_hidden()
    for variant, queries in (("slow", "101 queries"), ("fast", "1 query")):
        frames = lane(page, variant).locator("iframe")
        shown = [frame for frame in frames.all() if frame.is_visible()]
        assert len(shown) == 1
        expect(shown[0].content_frame.locator(".figures")).to_contain_text(queries)
        expect(shown[0].content_frame.locator("tbody tr")).to_have_count(100)
        expect(lane(page, variant).locator(".score")).to_be_hidden()


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


# Everybody can read it.


@pytest.fixture(scope="module")
def reader(chromium, site):
    """Somebody who reads every page; `seen` are the kinds of text whose contrast is proven."""
    with arrivals(chromium, site) as arrive:
        someone = arrive()
        someone.seen = set()
        yield someone


def is_readable(reader, where, widths=(DESKTOP, PHONE)):
    """Axe finds nothing in a page or a frame, in both themes and at these widths, and it fits.

    Contrast takes axe long, and it is the style sheet's: one text of each kind is asked for, and
    of those kinds alone that no page before had.
    """
    page = reader.page
    complaints = list(reader.complaints)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESKTOP)
    if DESKTOP in widths:
        assert barriers(where) == []
    if kinds := where.evaluate(NEW_KINDS, list(reader.seen)):
        assert barriers(where, "newKinds", COLOURS) == []
        page.emulate_media(color_scheme="dark")
        assert barriers(where, "newKinds", COLOURS) == []
    page.set_viewport_size(PHONE)
    assert barriers(where) == []
    assert not where.evaluate("document.documentElement.scrollWidth > innerWidth")
    reader.seen.update(kinds)
    reader.complaints[:] = complaints  # of axe's own styles


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_by_everybody_and_makes_no_browser_complain(reader, path):
    reader.page.set_viewport_size(DESKTOP)

    page = reader.open(path)

    expect(page.locator("body > #djDebugRoot")).to_have_count(1)
    expect(page.locator("main h1")).not_to_be_empty()
    is_readable(reader, page)
    assert reader.complaints == []


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.slug)
def test_an_experiment_can_be_read_by_everybody_and_makes_no_browser_complain(reader, experiment):
    reader.page.set_viewport_size(DESKTOP)

    page = reader.open(f"/experiments/{experiment.slug}/")

    expect(page.locator("body > #djDebugRoot")).to_have_count(1)
    frames = framed(page)
    narrow = {"widths": [PHONE]}  # one comparison page, and one variant, have been seen at both
    is_readable(reader, page, **narrow)
    pages = [
        variant for variant in frames if variant.locator("main").count()
    ]  # the rest is JSON, say
    for variant in pages:
        assert not variant.evaluate("document.documentElement.scrollWidth > innerWidth")
    if pages:
        is_readable(reader, pages[-1], **narrow)
    assert reader.complaints == []


def test_axe_would_have_found_something(visitor):
    someone = visitor()
    page = someone.open("/?inspect=0")

    page.evaluate("document.documentElement.lang = ''")
    page.evaluate("document.querySelector('main h1').style.color = '#ddd'")
    page.evaluate(NEW_KINDS, [])

    assert [rule for rule, _ in barriers(page)] == ["html-has-lang"]
    assert [rule for rule, _ in barriers(page, "newKinds", COLOURS)] == ["color-contrast"]
    someone.complaints.clear()


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

    wanted = {"movies", "round_trip", "cache", "Inspect both", "This variant alone"}
    assert wanted <= reached


def test_both_themes_are_themes(visitor):
    page = visitor().open("/")

    def background(scheme):
        page.emulate_media(color_scheme=scheme)
        return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    light, dark = background("light"), background("dark")

    assert sum(map(int, re.findall(r"\d+", light))) > 3 * 200
    assert sum(map(int, re.findall(r"\d+", dark))) < 3 * 60


def test_our_css_and_js_weigh_less_than_30_kb_on_the_wire():
    """As they are served: compressed. All of them; no page loads as much."""
    assert sum(len(gzip.compress(path.read_bytes())) for path in OUR_FILES) < 30_000
    assert len(OUR_FILES) >= 2
