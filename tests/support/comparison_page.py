"""Operate a comparison page in a browser."""

from playwright.sync_api import expect


def lane(page, name):
    return page.locator(f"[data-lane={name}]")


def frame(page, name):
    return lane(page, name).locator("iframe[data-src]").content_frame


def both_loaded(page):
    """Look at the lanes, and wait until both frames hold their page and figures."""
    lane(page, "slow").scroll_into_view_if_needed()  # a phone loads them when they are in sight
    for name in ("slow", "fast"):
        expect(frame(page, name).locator(".figures")).to_be_visible()


def run(page, action="run"):
    """Press a button and wait until what it started has ended."""
    page.locator(f"[data-do={action}]").click()
    done(page)


def run_until(page, words, action="run", name="ratio"):
    """Run until the headline has these words, a few times: a busy machine can spoil a run."""
    for _ in range(5):
        run(page, action)
        if words in out(page, name).inner_text():
            return


def done(page):
    expect(page.locator("[data-do=stop]")).to_be_disabled(timeout=120_000)


def out(page, name):
    return page.locator(f'[data-out="{name}"]')


def figures(page):
    """The table of figures: {"queries": ["101", "1"], …}."""
    rows = page.locator("[data-table] tr").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    return {name: numbers for name, *numbers in cells}


def uncovered(path):
    """The address of a comparison page that skips the guess, so that its answers are shown."""
    return f"{path}{'&' if '?' in path else '?'}guess=skip"


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


def run_story(page):
    """Play the story until each variant has a verdict, a few times, and return its table."""
    for _ in range(5):
        run(page, "story")
        story = read_story(page)
        if "none" not in marks([*story.values()][-1]).values():
            break
    return story


def marks(row):
    """Return the marks of one row of a story: {variant: mark}."""
    return {variant: mark for variant, (mark, _) in row.items()}
