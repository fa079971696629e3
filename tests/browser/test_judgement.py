"""Test in a real Chromium that a run without a basis gets no verdict, and says why."""

import os
import re
import signal
import sqlite3
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from tests.support import services
from tests.support.browsers import arrivals
from tests.support.comparison_page import done, figures, out, run, run_until

PAGE = "/experiments/n-plus-one/?movies=20&runs=6&guess=skip&inspect=0"
CACHED = "/experiments/cache-page/?movies=20&runs=6&guess=skip&inspect=0"


def expect_no_verdict(page, *codes):
    """The reasons stand in the headline's place, and nothing was kept for the contents page."""
    reasons = page.locator("[data-reason]")
    expect(reasons).to_have_count(len(codes))
    assert [one.get_attribute("data-reason") for one in reasons.all()] == list(codes)
    expect(out(page, "not-judged")).to_be_visible()
    expect(page.locator("[data-headline]")).to_be_hidden()
    for one in reasons.all():
        assert re.search(r"\. [A-Z].+\.$", one.inner_text())  # what is wrong, and what to do


def kept(page):
    """The results that the page sends to be kept, as they are sent."""
    sent = []
    page.on("request", lambda one: sent.append(one.url) if "/result/" in one.url else None)
    return sent


@pytest.fixture
def own_lab(chromium, start_lab):
    """A function that starts a lab of this test's own, and returns it with somebody at its page."""
    with ExitStack() as stack:

        def start(path, **options):
            lab = start_lab(**options)
            someone = stack.enter_context(arrivals(chromium, lab))()
            someone.open(path)
            return lab, someone

        yield start


def test_a_page_that_shows_fewer_rows_than_asked_for_is_not_judged(visitor):
    page = visitor().open(
        "/experiments/deep-pages/?movies=20&page=1000&runs=5&guess=skip&inspect=0"
    )
    sent = kept(page)

    run(page)

    expect_no_verdict(page, "rows")
    expect(page.locator("[data-reason]")).to_contain_text(
        "The page of slow shows 0 films, not the 20 that were asked for."
    )
    assert figures(page)["runs"] == ["5"] * 4  # the figures are shown all the same
    assert sent == []


def test_a_collection_that_is_emptied_is_not_judged(own_lab):
    lab, someone = own_lab(PAGE)
    page = someone.page
    with sqlite3.connect(lab.var / "perflab.sqlite3") as database:
        for table in ("review", "movie_countries", "movie"):
            database.execute(f"DELETE FROM movies_{table}")
    database.close()

    run(page)

    expect_no_verdict(page, "no_rows")


def test_a_collection_that_changes_during_a_run_is_not_judged(own_lab):
    lab, someone = own_lab(PAGE.replace("runs=6", "runs=30"))
    page = someone.page
    page.locator("[data-do=run]").click()
    expect(page.locator("[data-lane=fast] .point").nth(2)).to_be_attached()

    with sqlite3.connect(lab.var / "perflab.sqlite3") as database:
        database.execute("DELETE FROM movies_movie WHERE id = (SELECT max(id) FROM movies_movie)")
    database.close()
    done(page)

    expect_no_verdict(page, "seeding")


def test_a_frozen_cache_is_not_judged_and_a_thawed_one_is(own_lab, own):
    own_redis = own(services.Redis)
    _, someone = own_lab(CACHED, REDIS_URL=own_redis.url)
    page, sent = someone.page, kept(someone.page)

    own_redis.freeze()
    run(page)
    expect_no_verdict(page, "cache_errors")
    assert sent == []

    own_redis.thaw()
    page.wait_for_timeout(1000)  # the workers leave a cache alone that has just failed
    run(page)
    expect(out(page, "not-judged")).to_be_hidden()
    expect(out(page, "figure")).to_have_text("2 → 0 queries")


def test_a_variant_that_misses_its_promise_is_not_judged(visitor):
    page = visitor().open(PAGE)

    def add_a_query(route):
        answer = route.fetch()
        timing = re.sub('queries;desc="1"', 'queries;desc="2"', answer.headers["server-timing"])
        route.fulfill(response=answer, headers={**answer.headers, "server-timing": timing})

    page.route(re.compile("/n-plus-one/fast/"), add_a_query)

    run(page)

    expect_no_verdict(page, "promise")
    expect(page.locator("[data-reason]")).to_contain_text("Queries of fast: 2 in a run, where 1")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_that_are_replaced_during_a_run_are_not_judged(own_lab, how):
    lab, someone = own_lab(PAGE.replace("runs=6", "runs=30"))
    page, before = someone.page, lab.worker_pids()
    page.locator("[data-do=run]").click()
    expect(page.locator("[data-lane=fast] .point").nth(4)).to_be_attached()

    os.kill(before[0], how)
    services.wait_until(lambda: len(set(lab.worker_pids()) - set(before)) == 1, "a new worker", 30)
    done(page)

    assert "workers_changed" in [
        one.get_attribute("data-reason") for one in page.locator("[data-reason]").all()
    ]
    expect(page.locator("[data-headline]")).to_be_hidden()
    someone.complaints.clear()  # Chromium reports the request that a killed worker cut short


def test_a_run_that_is_stopped_too_early_is_not_judged(visitor):
    page = visitor().open(PAGE.replace("runs=6", "runs=200&round_trip=50"))
    page.locator("[data-do=run]").click()
    expect(page.locator("[data-lane=fast] .point").first).to_be_attached(timeout=60_000)

    page.keyboard.press("s")
    done(page)

    expect(page.locator("[data-reason=too_few_runs]")).to_be_visible()


def test_a_machine_whose_check_fails_is_not_judged(visitor):
    page = visitor().open(PAGE)
    failed = {"ratio": 1.5, "low": 1.2, "high": 1.9, "differs": True, "otherCores": 1.4}
    failed |= {"when": "2026-01-01T00:00:00Z"}
    # Every check finds the same: the machine's own noise cannot be ordered.
    page.route(
        re.compile(r"compare/check\.[\w.]*js"),
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=re.sub(
                r"return keepCheck\(.*\);",
                f"return keepCheck({failed});".replace("True", "true"),
                answer.text(),
            ),
        ),
    )

    run(page)

    expect_no_verdict(page, "machine_busy")


@pytest.mark.exhaustive
def test_a_worker_that_inspects_all_the_time_is_not_judged(visitor):
    page = visitor().open(PAGE.replace("runs=6", "runs=40"))  # so many last until it is inspected
    page.locator("[data-do=run]").click()
    expect(page.locator("[data-lane=fast] .point").nth(3)).to_be_attached()

    def inspect(route):
        answer = route.fetch()
        timing = answer.headers["server-timing"] + ', inspected;desc="1"'
        route.fulfill(response=answer, headers={**answer.headers, "server-timing": timing})

    page.route(re.compile("/n-plus-one/slow/"), inspect)
    done(page)

    assert page.locator("[data-reason=inspected]").count() == 1
    expect(page.locator("[data-headline]")).to_be_hidden()


def test_what_indexes_cost_is_the_headline_where_the_lesson_is_their_price(visitor):
    page = visitor().open("/experiments/index-price/?movies=20&runs=10&guess=skip&inspect=0")

    run_until(page, "slower with four indexes", name="figure")

    expect(out(page, "figure")).to_have_text(re.compile(r"^[\d.,]+× slower with four indexes$"))
    expect(out(page, "ratio")).to_have_text(re.compile(r"^[\d.,]+ → [\d.,]+ ms$"))
    expect(out(page, "sentence")).to_have_text(
        re.compile(r"with 20 loans \(loans written: 10,000\).*, four indexes make the page [\d.]+")
    )


def test_who_was_greeted_as_whom_is_the_headline_of_a_personal_page(visitor):
    page = visitor().open("/experiments/personal-page/?movies=20&runs=5&guess=skip&inspect=0")

    run(page)

    expect(out(page, "figure")).to_have_text(
        re.compile("^leaking greeted Bob as Ada; (fragment|per visitor) is right$")
    )
    expect(page.locator("[data-lane=leaking]")).to_have_class(re.compile("loses"))
    expect(page.locator("[data-lane=leaking] [data-mark]")).to_have_text("greeted Bob as Ada")
    expect(out(page, "ratio")).to_contain_text(re.compile("faster|slower|no measurable"))
