"""Test in a real Chromium that everybody can read and operate every page."""

import re

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from perflab.catalogue import registry
from tests.support.browsers import ERRORS, SLOW, arrivals
from tests.support.comparison_page import uncovered

EXPERIMENTS = registry.runnable()
# A pair, a ladder, a story, a burst, a stream, and answers in JSON.
OF_EACH_KIND = {
    *("n-plus-one", "what-to-cache", "personal-page", "stampede"),
    *("streaming-export", "serialise"),
}
COMPARISON = "/experiments/n-plus-one/"
PAGES = ["/", "/films/", "/films/?q=love", "/films/1/", "/directors/1/", "/visitor/", *ERRORS]
PAGES += ["/forms/cached/", "/votes/saved/"]
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


def framed(page):
    """Return the frames of a comparison page, once all of them hold the answer of their variant."""
    frames = []
    for place in page.locator("[data-lane] iframe[data-src]").all():
        place.scroll_into_view_if_needed()
        place.content_frame.locator("body > *").first.wait_for(state="attached")
        frames.append(place.element_handle().content_frame())
        frames[-1].wait_for_load_state()
    return frames


def barriers(where, *arguments):
    """Return what axe finds to mend in a page or a frame; the arguments are JavaScript for axe.

    Without them it looks at all but colours, the toolbar, and the frames in it.
    """
    if not where.evaluate("'axe' in window"):
        where.evaluate(AXE_SCRIPT)
    asked = ", ".join(arguments or (EVERYTHING, ALL_BUT_COLOURS))
    rules = where.evaluate(f"axe.run({asked}).then((found) => found.violations)")
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in rules]


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


@pytest.mark.parametrize(
    "experiment",
    [
        pytest.param(
            experiment,
            id=experiment.slug,
            marks=[] if experiment.slug in OF_EACH_KIND else [pytest.mark.exhaustive],
        )
        for experiment in EXPERIMENTS
    ],
)
def test_an_experiment_can_be_read_by_everybody_and_makes_no_browser_complain(reader, experiment):
    reader.page.set_viewport_size(DESKTOP)

    page = reader.open(uncovered(f"/experiments/{experiment.slug}/"))

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
    page = visitor().open(uncovered(f"{COMPARISON}?inspect=0"))
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
