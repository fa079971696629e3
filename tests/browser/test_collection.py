"""Test in a browser what the buttons do that change the collection."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browsers import arrivals
from tests.support.comparison_page import run
from tests.support.labs import Lab

LESSON = "/experiments/missing-index/?guess=skip"
TOO_MANY = "/experiments/n-plus-one/?movies=2500&guess=skip"


@pytest.fixture(scope="module")
def site(seeded_database, may_start_servers):
    """A lab whose collection these tests change, and leave as it was."""
    with Lab(seeded_database, workers=2, PERFLAB_TOOLBAR="0") as lab:
        yield lab


def button(page, name):
    return page.get_by_role("button", name=re.compile(name))


def test_more_films_than_there_are_can_be_added_and_taken_away_again(visitor):
    someone = visitor()
    someone.expected.add(someone.lab.url + TOO_MANY)  # Chromium reports the status 400
    page = someone.page

    assert page.goto(TOO_MANY).status == 400
    expect(page.locator("main")).to_contain_text("this page has 1,851 films to show")
    button(page, "^Add 649 films$").click()
    expect(page.locator("h1")).to_have_text("The N+1 query bug", timeout=120_000)
    assert page.locator("[name=movies]").input_value() == "2500"

    page.goto("/system/")
    expect(page.locator("main")).to_contain_text("2,500 films")
    button(page, "^Back to the 1,851 real films$").click()
    expect(page.locator("main")).to_contain_text("1,851 films.", timeout=120_000)
    assert button(page, "Back to").count() == 0


def test_a_lesson_that_needs_more_films_adds_them_with_progress_until_it_is_stopped(visitor):
    page = visitor().open(LESSON)
    offer = page.locator("[data-collection]").first

    button(page, "^Add 98,149 films").click()
    expect(offer).to_contain_text(re.compile(r"[\d,]+ of 100,000 films: writing"), timeout=120_000)
    share = offer.locator("progress").evaluate("bar => bar.value")
    visitor().open(LESSON).get_by_text("100,000 films: writing").wait_for()  # somebody else's page
    offer.get_by_role("button", name="Stop").click()

    expect(offer).to_contain_text("Stopped. The collection holds 1,851 films, as before.")
    assert 0 < share < 1
    expect(button(page, "^Add 98,149 films")).to_be_visible()


def test_what_the_lab_refuses_is_said_beside_the_button(visitor):
    someone = visitor()
    page = someone.open(LESSON)
    page.locator("[data-collection] [name=films]").evaluate("field => field.value = '9999999'")
    someone.expected.add(f"{someone.lab.url}/collection/seed/")

    button(page, "^Add").click()

    expect(page.locator("[data-part=failure]")).to_contain_text("films must be a whole number")
    expect(button(page, "^Add")).to_be_visible()


def test_without_a_script_the_page_tells_of_the_seeding_when_it_is_reloaded(chromium, site):
    with arrivals(chromium, site) as arrive:
        page = arrive(java_script_enabled=False).open(LESSON)
        button(page, "^Add 98,149 films").click()
        expect(page.locator("h1")).to_have_text("The missing index")
        expect(page.locator("[data-collection]")).to_contain_text("Reload the page to see how far")
        page.locator("[data-collection]").get_by_role("button", name="Stop").click()
        page.wait_for_load_state()

        def is_offered():
            page.reload()
            return button(page, "^Add 98,149 films").is_visible()

        from tests.support.services import wait_until

        wait_until(is_offered, "the end of the seeding", 120)


def test_after_no_measurable_difference_a_link_leads_to_where_the_lesson_shows(visitor):
    page = visitor().open("/experiments/inefficient-code/?movies=2&runs=20&guess=skip")
    expect(page.get_by_text("See it where it shows")).to_be_hidden()

    for _ in range(5):  # an interval of 95 % misses now and then
        run(page)
        if "No measurable difference" in page.locator("[data-headline]").inner_text():
            break
    page.get_by_text("See it where it shows").click()

    expect(page.locator("[name=movies]")).to_have_value("1000")
    page.get_by_role("link", name="See it where it does not show").click()
    expect(page.locator("[name=movies]")).to_have_value("20")
    expect(page.locator("main")).to_contain_text("Here it does not show: Twenty films")
