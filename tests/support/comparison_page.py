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


def run_until(page, words, action="run"):
    """Run until the headline has these words, a few times: a busy machine can spoil a run."""
    for _ in range(5):
        run(page, action)
        if words in out(page, "ratio").inner_text():
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
