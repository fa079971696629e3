"""Test in a real Chromium that the comparison page measures a pair."""

import csv
import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from perflab.measure import stats
from tests.support.browsers import arrivals
from tests.support.comparison_page import done, figures, out, run, run_until

PAGE = "/experiments/n-plus-one/?movies=20&runs=6&guess=skip&inspect=0"
CACHED = "/experiments/cache-page/?movies=20&runs=6&guess=skip&inspect=0"


@pytest.fixture(scope="module")
def measured(chromium, site):
    """Somebody who has run a page, at which many tests look. They press only what adds to it."""
    with arrivals(chromium, site) as arrive:
        someone = arrive(permissions=["clipboard-read", "clipboard-write"])
        run_until(someone.open(PAGE), "faster")
        yield someone


def test_a_run_measures_both_variants_and_judges_them(measured):
    page = measured.page

    expect(out(page, "figure")).to_have_text("21 → 1 query")
    expect(out(page, "not-judged")).to_be_hidden()
    expect(out(page, "ratio")).to_have_text(re.compile(r"^[\d.,]+× faster$"))
    expect(out(page, "interval")).to_contain_text("6 and 6 runs, in turn, in 6 rounds.")
    expect(out(page, "same")).to_have_text("Same page")
    expect(out(page, "failure")).to_be_hidden()
    table = figures(page)
    assert table["queries"] == ["21", "1"]
    assert table["of them repeated"] == ["19", "0"]
    assert table["runs"] == ["6", "6"]
    assert float(table["median, ms"][0]) > float(table["median, ms"][1]) > 0
    for name in ("slow", "fast"):
        assert page.locator(f"[data-lane={name}] .point").count() == 6


def test_the_sentence_is_made_of_the_numbers(measured):
    page = measured.page

    ratio = out(page, "ratio").inner_text().removesuffix("× faster")
    sentence = out(page, "sentence").inner_text()
    start = (
        "On this machine, with 20 films and no network to the database, the join saves 20 queries "
        f"and makes the page {ratio} times faster"
    )
    assert sentence.startswith(start)
    # Nothing is said of the rest where it may have been other programs.
    assert re.fullmatch(r"(; \d+ % of the remaining time goes to .+)?\.", sentence[len(start) :])


def test_the_requests_alternate_and_none_carries_the_toolbar(measured):
    fetches = [answer for answer in measured.answers if answer.request.resource_type == "fetch"]
    variants = [
        answer.url.split("/")[5] for answer in fetches if "/experiments/n-plus" in answer.url
    ]
    variants = [variant for variant in variants if variant in ("slow", "fast")]
    pairs = [tuple(variants[at : at + 2]) for at in range(len(variants) - 12, len(variants), 2)]
    assert set(pairs) == {("slow", "fast"), ("fast", "slow")}
    assert all("djdt" not in answer.headers for answer in fetches)


def test_the_same_variant_twice_is_no_measurable_difference(visitor):
    page = visitor().open(PAGE.replace("runs=6", "runs=20"))

    run_until(page, "No measurable", "same", "figure")  # an interval of 95 % misses now and then

    expect(out(page, "figure")).to_have_text("No measurable difference")
    expect(out(page, "ratio")).to_have_text("21 → 21 queries")
    expect(page.locator("[data-lane=fast] h2")).to_have_text("Slow again")


def test_the_machine_is_checked_before_the_first_run_of_a_visit_and_on_demand(visitor):
    page = visitor().open(PAGE)
    requests = []
    page.on("request", lambda request: requests.append(request.url))

    run(page)
    first = sum("/slow/" in url for url in requests) - sum("/fast/" in url for url in requests)
    checked = out(page, "check").inner_text()
    run(page)

    second = sum("/slow/" in url for url in requests) - sum("/fast/" in url for url in requests)
    assert first >= 10  # slow against slow
    assert second == first  # only the first run of a visit
    assert re.match(r"This machine, checked at \d\d:\d\d \(slow against slow\): ", checked)
    assert out(page, "check").inner_text() == checked
    check = "JSON.parse(sessionStorage['perflab.check']).when"
    before = page.evaluate(check)
    run(page, "same")
    assert page.evaluate(check) > before
    expect(out(page, "check")).to_be_hidden()  # the headline says it


def test_the_load_of_other_programs_is_shown_and_a_busy_machine_called_so(visitor):
    page = visitor().open(PAGE)
    loop = (sys.executable, "-c", "while True: pass")
    loops = [subprocess.Popen(loop) for _ in range(2)]
    try:
        run(page)
        text = out(page, "others").inner_text()
        with page.expect_response(re.compile("/result/")) as kept:
            run(page)
    finally:
        for process in loops:
            process.kill()
            process.wait()

    found = re.match(r"This machine is busy: Other programs kept ([\d.]+) of \d+ cores busy", text)
    assert float(found[1]) > 0.5
    assert "other_cores=" in kept.value.request.post_data


def test_the_browser_s_own_work_is_not_that_of_other_programs(visitor):
    page = visitor().open(PAGE)

    counters = page.evaluate(
        """async () => {
            const read = async () => (await fetch("/system.json?client=1")).json();
            const before = await read();
            const until = performance.now() + 2000;
            while (performance.now() < until);
            return [before.cpu, (await read()).cpu];
        }"""
    )

    before, after = (cpu["client_s"] for cpu in counters)
    assert after - before > 0.1  # this browser computed for two seconds


def test_stop_ends_a_run_and_keeps_what_it_has(visitor):
    page = visitor().open(PAGE.replace("runs=6", "runs=200"))
    page.locator("[data-do=run]").click()
    expect(page.locator("[data-lane=fast] .point").nth(5)).to_be_attached()

    page.keyboard.press("s")
    done(page)

    assert 6 <= int(figures(page)["runs"][1]) < 200
    expect(out(page, "ratio")).to_be_visible()


def test_the_knobs_turn_everything_and_what_was_measured_stands_on_the_contents_page(visitor):
    page = visitor().open(PAGE)
    page.get_by_label("Films on the page").fill("6000")
    page.locator("[data-do=run]").click()
    assert page.get_by_label("Films on the page").evaluate("input => !input.validity.valid")
    expect(out(page, "ratio")).to_be_hidden()  # it is not run with what is out of range

    page.get_by_label("Films on the page").fill("30")
    page.get_by_label("Round trip").fill("1.5")
    page.get_by_label("Round trip").blur()

    expect(page.locator("[data-lane=slow] [data-expected]")).to_have_text("31 queries")
    expect(page.locator("[data-lane=slow] .score [data-figure=queries]")).to_have_text("31")
    assert "movies=30&round_trip=1.5" in page.url
    commands = page.locator(".load-section code").first.inner_text()
    assert commands.count("movies=30&round_trip=1.5") == 4
    locust = page.locator(".load-section pre code").last.inner_text()
    assert locust.endswith("--experiment n-plus-one --movies 30 --round-trip 1.5 --cache redis")
    expect(page.locator("[data-note=far]")).to_be_visible()
    expect(page.locator("[data-note=near]")).to_be_hidden()
    with page.expect_response(re.compile("/result/")) as kept:
        run(page)
    expect(out(page, "sentence")).to_contain_text("a simulated round trip of 1.50 ms")
    assert kept.value.status == 204

    page.goto("/")
    card = page.locator(".card", has_text="The N+1 query bug")
    expect(card).to_contain_text(re.compile(r"31 → 1 query, [\d.,]+× faster;\s+measured here"))
    expect(card).to_contain_text("with 30 films, 1.5")


def test_a_link_reproduces_the_set_up(visitor):
    address = "/experiments/cache-page/?movies=15&round_trip=2&cache=locmem&cold=1&runs=7"

    page = visitor().open(address + "&guess=skip&projector=1&inspect=0")

    expect(page.get_by_label("Films on the page")).to_have_value("15")
    expect(page.get_by_label("Round trip")).to_have_value("2")
    expect(page.locator("[name=cache]")).to_have_value("locmem")
    expect(page.get_by_label("Entries")).to_have_value("1")
    expect(page.get_by_label("Runs of each variant")).to_have_value("7")
    expect(page.locator(".compare")).to_have_class(re.compile("projector"))


def test_warm_runs_hit_the_cache_cold_ones_never_do_and_it_is_forgotten_on_demand(visitor):
    page = visitor().open(CACHED)

    run(page)
    assert figures(page)["queries"] == ["2", "0"]
    assert figures(page)["cache hits"] == ["0", "2"]

    page.get_by_label("Entries").select_option("1")
    run(page)
    assert figures(page)["queries"] == ["2", "2"]
    assert figures(page)["cache hits"] == ["0", "0"]

    page.get_by_role("button", name="Forget this experiment").click()
    expect(out(page, "flushed")).to_have_text("Forgotten, in every worker.")


def test_two_visitors_at_once_do_not_disturb_each_other(visitor):
    one, other = visitor().open(CACHED), visitor().open(CACHED + "&cold=1")

    one.locator("[data-do=run]").click()
    other.locator("[data-do=run]").click()
    done(one)
    done(other)

    assert figures(one)["queries"] == ["2", "0"]
    assert figures(other)["queries"] == ["2", "2"]


def test_how_does_it_grow_draws_two_lines_a_chart(visitor):
    page = visitor().open("/experiments/many-to-many/?movies=10&guess=skip&inspect=0")
    page.route("**/rows.json", lambda route: route.fulfill(json={"rows": 40}))

    run(page, "grow")

    charts = page.locator("[data-charts] svg")
    expect(charts).to_have_count(2)
    titles = charts.nth(1).locator("circle title").all_text_contents()
    assert titles == [
        *(f"slow: {n + 1} queries at {n} films" for n in (10, 20, 40)),
        *(f"fast: 2 queries at {n} films" for n in (10, 20, 40)),
    ]


def test_the_distance_to_the_database_is_swept_too(visitor):
    page = visitor().open("/experiments/n-plus-one/?movies=2&guess=skip&inspect=0")

    run(page, "far")

    titles = page.locator("[data-charts] svg").first.locator("circle title").all_text_contents()
    assert len(titles) == 14
    assert all("simulated round trip" in title for title in titles)
    slow = [float(re.search(r"slow: ([\d.,]+)", t)[1].replace(",", "")) for t in titles[:7]]
    assert slow[-1] > 3 * 50 > slow[0]


def test_why_shows_the_line_that_runs_queries_and_their_plan(measured):
    page = measured.page
    expect(page.locator("[data-bars] svg")).to_have_count(2)

    run(page, "trace")

    slow = page.locator("[data-traces] .slow")
    statement = slow.locator("details", has_text="20 queries")
    expect(statement.locator("summary")).to_contain_text("movies/with_directors.html, line 9")
    expect(statement.locator("summary")).to_contain_text("movie.director.name")
    assert slow.locator("svg rect.sql").count() == 21
    statement.locator("summary").click()
    statement.get_by_role("button", name="Explain").click()
    expect(statement.locator("pre").last).to_contain_text("movies_director")
    marked = page.locator(".code-section .slow .runs-queries")
    assert "movie.director.name" in " ".join(marked.all_inner_texts())


def test_a_variant_that_shows_another_page_is_told(visitor):
    page = visitor().open(PAGE)
    page.route(
        re.compile("/n-plus-one/fast/"),
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=answer.text().replace("John Cromwell", "Somebody Else"),
        ),
    )

    run(page)

    expect(out(page, "same")).to_have_text("Not the same page")
    expect(out(page, "difference")).to_contain_text("Somebody Else")
    expect(page.locator("[data-reason=pages_differ]")).to_contain_text("The pages of fast and slow")
    expect(out(page, "figure")).to_be_hidden()


def test_a_failed_request_is_told_and_left_out(visitor):
    someone = visitor()
    page = someone.open(PAGE.replace("runs=6", "runs=30"))
    page.locator("[data-do=run]").click()
    expect(page.locator("[data-lane=fast] .point").nth(2)).to_be_attached()  # warmed up

    page.route(
        re.compile("/n-plus-one/slow/"),
        lambda route: route.fulfill(status=503, body="<main><p class='lead'>gone</p></main>"),
        times=1,
    )
    done(page)

    expect(out(page, "failure")).to_contain_text("1 request failed and is left out")
    runs, others = figures(page)["runs"]
    assert runs in ("29", "30")  # what comes before a round is no run
    assert others == "30"
    expect(out(page, "not-judged")).to_contain_text("Requests that failed: 1.")
    expect(page.locator("[data-headline]")).to_be_hidden()
    someone.complaints.clear()  # Chromium reports the 503


def test_a_request_beside_an_inspected_one_is_asked_again(visitor):
    page = visitor().open(PAGE)
    disturbed = []

    def disturb(route):
        answer = route.fetch()
        timing = answer.headers["server-timing"]
        if len(disturbed) < 5:
            timing = re.sub(r"total;dur=[\d.]+", "total;dur=9999", timing)
            timing += ', inspected;desc="1"'
            disturbed.append(timing)
        route.fulfill(response=answer, headers={**answer.headers, "server-timing": timing})

    page.locator("[data-do=run]").click()
    expect(page.locator("[data-lane=fast] .point").first).to_be_attached()  # warmed up
    page.route(re.compile("/n-plus-one/slow/"), disturb)
    done(page)

    assert len(disturbed) == 5
    assert figures(page)["runs"] == ["6", "6"]
    assert float(figures(page)["p95, ms"][0].replace(",", "")) < 9999
    expect(out(page, "failure")).to_be_hidden()


def test_a_lab_that_goes_away_ends_the_run(visitor):
    someone = visitor()
    page = someone.open(PAGE.replace("runs=6", "runs=200"))
    page.locator("[data-do=run]").click()
    expect(page.locator("[data-lane=fast] .point").nth(3)).to_be_attached()

    someone.context.set_offline(True)
    done(page)

    expect(out(page, "failure")).to_contain_text("The lab does not answer any more")
    expect(page.locator("[data-headline]")).to_be_hidden()
    someone.complaints.clear()


def download(page, action):
    with page.expect_download() as waiting:
        page.locator(f"[data-do={action}]").click()
    return waiting.value


def test_results_are_taken_away_as_json_csv_and_svg(measured):
    page = measured.page

    whole = json.loads(download(page, "json").path().read_text())
    rows = list(csv.DictReader(download(page, "csv").path().open()))
    picture = download(page, "svg").path().read_text()

    assert whole["slug"] == "n-plus-one"
    assert whole["knobs"]["movies"] == 20
    slow, fast = ([one["total"] for one in variant["runs"]] for variant in whole["variants"])
    found = stats.ratio_of_rounds(stats.split_rounds(slow, fast))
    assert (whole["ratio"], whole["low"], whole["high"]) == (found.value, found.low, found.high)
    assert whole["rounds"] == [[[one], [other]] for one, other in zip(slow, fast, strict=True)]
    assert whole["check"]["low"] <= whole["check"]["ratio"] <= whole["check"]["high"]
    assert 0 <= whole["otherCores"] <= whole["cores"]
    assert [row["variant"] for row in rows] == ["slow"] * 6 + ["fast"] * 6
    assert [float(row["total"]) for row in rows] == slow + fast
    assert picture.startswith("<svg")
    assert "21 → 1" in picture


def test_the_fix_the_test_and_the_address_are_copied(measured):
    page = measured.page
    clipboard = "navigator.clipboard.readText()"

    page.get_by_role("button", name="Copy the fix").click()
    expect(page.get_by_role("button", name="Copied")).to_have_count(1)
    assert 'select_related("director")' in page.evaluate(clipboard)

    page.get_by_role("button", name="Copy the test").click()
    expect(page.get_by_role("button", name="Copied")).to_have_count(2)
    guard = page.evaluate(clipboard)
    assert "self.assertNumQueries(1)" in guard
    compile(guard, "guard", "exec")

    page.get_by_role("button", name="Copy the address").click()
    expect(out(page, "taken")).to_have_text("The address is copied.")
    assert page.evaluate(clipboard) == page.url


def test_every_action_has_a_key(visitor):
    page = visitor().open(PAGE)

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    page.keyboard.press("p")
    expect(page.locator(".compare")).to_have_class(re.compile("projector"))
    expect(page.locator(".prose")).to_be_hidden()
    page.keyboard.press("p")

    page.keyboard.press("r")
    done(page)
    expect(out(page, "ratio")).to_be_visible()

    page.get_by_label("Films on the page").press("r")  # typing is no command
    expect(page.locator("[data-do=stop]")).to_be_disabled()
