"""Test in a real Chromium that the guess comes first, and stands beside the truth afterwards."""

import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.support.comparison_page import both_loaded, done, frame, lane, out, run, uncovered

PAGE = "/experiments/n-plus-one/?movies=20&runs=6&inspect=0"
SKIP = "Skip: show the answers"
ANSWERS = ["One query for the films", "21 queries", "expected:", "Expect ", "What happens", "lazy"]


def guess_and_run(page, **numbers):
    for name, number in numbers.items():
        page.locator(f"[data-guess] [name={name}]").fill(str(number))
    page.get_by_role("button", name="Guess and run").click()
    expect(page.locator("[data-guess]")).to_be_hidden()
    done(page)


def gives_nothing_away(page):
    """Neither eyes, nor a screen reader, nor a sheet of paper get an answer."""
    page.emulate_media(media="print")
    on_paper = page.locator("main").inner_text()
    page.emulate_media(media="screen")
    heard = page.locator("main").aria_snapshot()
    for answer in ANSWERS:
        assert answer not in page.locator("main").inner_text()
        assert answer not in heard
        assert answer not in on_paper
    assert page.locator("iframe:visible, .score:visible, .figures .queries").count() == 0


# Before the guess.


@pytest.mark.parametrize("size", [(1440, 900), (390, 800)])
def test_before_the_guess_nothing_gives_the_answer_away(visitor, size):
    someone = visitor(viewport={"width": size[0], "height": size[1]})
    page = someone.open(PAGE)

    page.mouse.wheel(0, 5000)  # frames near the view would load
    page.wait_for_load_state("networkidle")

    gives_nothing_away(page)
    assert not [answer.url for answer in someone.answers if "/slow/" in answer.url]
    expect(page.get_by_role("heading", name="The code")).to_be_visible()
    expect(page.get_by_text("select_related")).to_be_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("query", ["&projector=1", "&frames=inspect", "&cold=1", "#explanation"])
def test_no_address_of_the_page_gives_the_answer_away(visitor, query):
    page = visitor().open(PAGE + query)

    gives_nothing_away(page)
    expect(page.get_by_role("button", name="Guess and run")).to_be_visible()


def test_the_commands_for_load_can_be_reached_directly(visitor):
    page = visitor().open(f"{PAGE}#load")

    expect(page.get_by_role("heading", name="Put it under load")).to_be_in_viewport()
    gives_nothing_away(page)


def test_what_would_show_an_answer_asks_for_the_guess(visitor):
    someone = visitor()
    page = someone.open(PAGE)
    field = page.get_by_label("How many queries does")

    for key in ("r", "a", "g"):
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press(key)
        expect(field).to_be_focused()
        expect(out(page, "ask")).to_have_text(re.compile("guess first, or skip"))
        field.blur()
    for action in ("run", "same", "grow", "far"):
        page.locator(f"[data-do={action}]").click()
        expect(field).to_be_focused()
        field.blur()
    page.get_by_role("button", name="Guess and run").click()  # with nothing guessed
    expect(field).to_be_focused()

    gives_nothing_away(page)
    assert not [answer.url for answer in someone.answers if "/slow/" in answer.url]


def test_a_story_is_not_played_before_the_guess(visitor):
    page = visitor().open("/experiments/stale-page/?movies=10&inspect=0")

    page.locator("[data-do=story]").click()

    expect(out(page, "ask")).to_have_text(re.compile("guess first"))
    assert "".join(page.locator("[data-story] tbody td").all_inner_texts()) == ""


def test_knobs_can_be_turned_before_the_guess_and_the_answers_are_those_of_the_new_knobs(visitor):
    someone = visitor()
    page = someone.open(PAGE)

    page.get_by_label("Films on the page").fill("30")
    page.get_by_label("Films on the page").blur()
    expect(page).to_have_url(re.compile("movies=30"))
    page.wait_for_load_state("networkidle")
    gives_nothing_away(page)
    assert not [answer.url for answer in someone.answers if "/slow/" in answer.url]
    page.get_by_role("link", name=SKIP).click()

    expect(lane(page, "slow").locator("[data-expected]")).to_have_text(re.compile("31 queries"))


# Skipped.


def test_a_skipped_guess_uncovers_the_page_at_once_and_for_good(visitor):
    page = visitor().open(PAGE)
    page.evaluate("window.same = true")

    page.get_by_role("link", name=SKIP).click()

    expect(page.get_by_text("One query for the films")).to_be_visible()
    expect(page.locator("[data-guess]")).to_be_hidden()
    expect(page.locator("[data-do=run]")).to_be_focused()
    assert page.evaluate("window.same")  # the page was not loaded again
    assert "guess" not in page.url  # whoever gets the address has to guess
    expect(page.get_by_text("Expect 1 query: the films joined")).to_be_visible()
    both_loaded(page)
    expect(lane(page, "slow").locator(".score [data-figure=queries]")).to_have_text("21")
    page.get_by_role("button", name="Copy the fix").click(trial=True)

    page.reload()
    expect(page.get_by_text("One query for the films")).to_be_visible()
    expect(page.locator("[data-guess]")).to_have_count(0)
    page.goto("/")
    expect(page.locator(".card", has_text="The N+1 query bug")).to_contain_text("1 + N queries")
    expect(page.locator(".card", has_text="Many-to-many")).to_contain_text("Guess first")


def test_a_page_is_covered_again_on_demand(visitor):
    page = visitor().open(uncovered(PAGE))

    page.get_by_role("link", name="Cover the answers").click()

    expect(page.get_by_role("button", name="Guess and run")).to_be_visible()
    gives_nothing_away(page)
    page.get_by_role("link", name=SKIP).click()
    expect(page.get_by_text("One query for the films")).to_be_visible()
    page.reload()
    expect(page.get_by_text("One query for the films")).to_be_visible()


def test_a_run_that_is_asked_for_before_the_answers_have_come_waits_for_them(visitor):
    page = visitor().open(PAGE)
    waiting = []
    page.route(re.compile("guess=skip"), lambda route: waiting.append(route), times=1)

    page.get_by_role("link", name=SKIP).click()
    page.locator("[data-do=run]").click()
    expect(page.locator("[data-headline]")).to_be_hidden()
    waiting[0].continue_()

    done(page)
    expect(out(page, "ask")).to_be_empty()


def test_answers_that_cannot_be_fetched_stay_covered_and_are_asked_for_again(visitor):
    someone = visitor()
    page = someone.open(PAGE)
    page.route(re.compile("guess=skip"), lambda route: route.fulfill(status=503), times=1)

    page.get_by_role("link", name=SKIP).click()
    expect(out(page, "failure")).to_contain_text("status 503")
    gives_nothing_away(page)
    page.get_by_role("link", name=SKIP).click()

    expect(page.get_by_text("One query for the films")).to_be_visible()
    expect(out(page, "failure")).to_be_hidden()
    someone.complaints.clear()  # Chromium reports the 503


def test_without_javascript_a_link_skips_the_guess(visitor):
    page = visitor(java_script_enabled=False).open(PAGE)

    assert page.locator("main").inner_text().count("Guess first") == 1
    for answer in ANSWERS:
        assert answer not in page.locator("main").inner_text()
        assert answer not in page.content()
    assert page.locator("iframe:visible").count() == 0
    expect(page.get_by_role("button", name="Guess and run")).to_be_hidden()
    page.get_by_role("link", name=SKIP).click()

    expect(page.get_by_text("One query for the films")).to_be_visible()
    expect(lane(page, "slow").locator(".expected")).to_contain_text("21 queries")
    assert "movies=20" in page.url
    page.goto(PAGE)
    expect(page.get_by_text("One query for the films")).to_be_visible()


# Given.


def test_a_guess_and_the_truth_stand_on_one_axis_and_in_words(visitor):
    page = visitor().open(PAGE)

    guess_and_run(page, count=7, faster=2.5)

    words = out(page, "guess").locator("p")
    expect(words).to_have_count(2)
    expect(words.first).to_have_text("How many queries does slow run? You guessed 7, and it is 21.")
    interval = r"\(95 % interval [\d.,]+ to [\d.,∞]+\)(, so no difference can be measured)?"
    expect(words.last).to_have_text(
        re.compile(
            "How many times faster than slow is fast\\? You guessed 2.50, "
            rf"and it is [\d.,]+ {interval}\."
        )
    )
    count, ratio = out(page, "guess").locator("svg").all()
    expect(count).to_have_attribute("aria-label", re.compile("Your guess: 7, measured: 21$"))
    # 7 and 21 on a linear axis from 0.
    zero, twenty = (tick(count, text) for text in ("0", "20"))
    for mark, number in ((".guessed", 7), (".measured", 21)):
        assert middle(count, mark) == pytest.approx(zero + (twenty - zero) * number / 20, abs=1)
    # 2.5 on a logarithmic axis.
    one, ten = (tick(ratio, text) for text in ("1", "10"))
    assert middle(ratio, ".guessed") == pytest.approx(one + (ten - one) * 0.39794, abs=1)
    assert ratio.locator(".range").count() == 1


def tick(chart, text):
    found = chart.locator(".tick").filter(has_text=re.compile(f"^{text}$"))
    return float(found.get_attribute("x"))


def middle(chart, mark):
    return chart.locator(mark).evaluate(
        "it => { const b = it.getBBox(); return b.x + b.width / 2 }"
    )


def test_a_guess_stays_for_the_next_run_and_is_forgotten_with_other_knobs(visitor):
    page = visitor().open(PAGE)
    guess_and_run(page, count=7)

    run(page, "same")
    expect(out(page, "guess")).to_be_hidden()
    run(page)
    expect(out(page, "guess")).to_contain_text("You guessed 7")
    page.get_by_label("Films on the page").fill("10")
    page.get_by_label("Films on the page").blur()
    expect(out(page, "guess")).to_be_hidden()  # it is beside a result of other knobs
    run(page)

    expect(out(page, "guess")).to_be_hidden()


def test_nothing_disturbs_the_run_after_a_guess(visitor):
    someone = visitor()
    page = someone.open(PAGE)

    guess_and_run(page, faster=3)
    both_loaded(page)

    requests = [answer.request for answer in someone.answers if "/fast/" in answer.url]
    documents = [request.resource_type == "document" for request in requests]
    assert documents == sorted(documents)  # the frames are loaded once the run is over
    assert documents[-1]
    expect(frame(page, "fast").locator(".figures")).to_be_visible()


SHOW = """async ([guess, truth]) => {
    const { showTruth } = await import("/static/perflab/js/compare/truth.js");
    showTruth(guess, truth);
}"""


@pytest.mark.parametrize(
    ("guess", "truth", "words"),
    [
        (
            {"ratio": ["4"]},
            {"figure": "bytes", "first": 1000, "best": 500},
            "How many times fewer bytes than a does b need? You guessed 4, and it is 2.0.",
        ),
        (
            {"ratio": ["4"]},
            {"figure": "bytes", "first": 1000, "best": 0},
            "How many times fewer bytes than a does b need? You guessed 4, and it is ∞.",
        ),
        (
            {"ratio": ["0.0001"]},
            {"figure": "bytes", "first": 1e6, "best": 1},
            "How many times fewer bytes than a does b need? You guessed 0.0001, "
            "and it is 1,000,000.",
        ),
        (
            {"count": ["1000000"]},
            {"figure": "queries", "first": 3, "best": 1},
            "How many queries does a run? You guessed 1,000,000, and it is 3.",
        ),
        (
            {"ratio": ["0.5"]},
            {"figure": "memory", "first": 4e6, "best": 1e6},
            "How many times less memory than a does b need? You guessed 0.50, and it is 4.0.",
        ),
        (
            {"ratio": ["2"]},
            {"figure": "cpu_time", "first": 12, "best": 4},
            "How many times less CPU time than a does b need? You guessed 2, and it is 3.0.",
        ),
        (
            {"count": ["1"], "ratio": [""]},
            {"figure": "cache_calls", "first": 101, "best": 1},
            "How many cache calls does a make? You guessed 1, and it is 101.",
        ),
    ],
)
def test_the_truth_is_told_in_the_lesson_s_own_figure(visitor, guess, truth, words):
    page = visitor().open(uncovered(PAGE))
    truth |= {"first": {"name": "a", "value": truth["first"]}}
    truth |= {"best": {"name": "b", "value": truth["best"]}}

    page.evaluate(SHOW, [{name: value for name, value in guess.items() if value != [""]}, truth])

    place = out(page, "guess")
    expect(place.locator("p")).to_have_text(words)
    expect(place.locator("svg")).to_have_count(1)
    boxes = place.locator(".tick").evaluate_all(
        "all => all.map((it) => it.getBoundingClientRect())"
    )
    assert all(a["right"] < b["left"] for a, b in itertools.pairwise(boxes))
    assert "NaN" not in place.inner_html()


def test_where_the_lesson_is_who_is_right_the_guess_is_about_the_story(visitor):
    page = visitor().open("/experiments/personal-page/?movies=10&inspect=0")
    page.get_by_role("checkbox", name="Leaking").check()
    page.get_by_role("checkbox", name="Fragment").check()

    page.get_by_role("button", name="Guess and play").click()
    expect(page.locator("[data-guess]")).to_be_hidden()
    done(page)

    expect(out(page, "guess").locator("p")).to_have_text(
        [
            "✓ uncached: you guessed right; it was right.",
            "✓ leaking: you guessed wrong; it was wrong: greeted Bob as Ada.",
            "✓ per-visitor: you guessed right; it was right.",
            "✓ private: you guessed right; it was right.",
            "✗ fragment: you guessed wrong; it was right.",
        ]
    )


def test_a_story_without_a_verdict_is_told_beside_the_guess(visitor):
    page = visitor().open(uncovered(PAGE))
    verdict = {"name": "a", "right": None, "words": "no verdict: the cache failed once"}

    page.evaluate(SHOW, [{"wrong": ["a"]}, {"verdicts": [verdict]}])

    expect(out(page, "guess").locator("p")).to_have_text("a: no verdict: the cache failed once.")


def test_without_a_guess_or_without_a_verdict_nothing_is_shown(visitor):
    page = visitor().open(uncovered(PAGE))
    truth = {"figure": "queries", "first": {"name": "a", "value": 5}, "best": {"name": "b"}}

    for guess, found in ((None, truth), ({"count": ["1"]}, None)):
        page.evaluate(SHOW, [{"count": ["1"]}, truth])
        expect(out(page, "guess")).to_be_visible()
        page.evaluate(SHOW, [guess, found])
        expect(out(page, "guess")).to_be_hidden()
