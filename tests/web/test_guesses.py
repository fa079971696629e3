"""Test that an experiment's answers are covered until its guess is given or skipped."""

import ast
import html
import re
import textwrap
from io import StringIO
from tokenize import COMMENT, generate_tokens

import pytest
from django.test import Client

from perflab.catalogue import registry
from perflab.catalogue.sources import variant_sources
from perflab.compare import last_results
from perflab.web import guesses
from perflab.web.views.pages import inline, paragraphs

pytestmark = pytest.mark.django_db(databases="__all__")

EXPERIMENTS = registry.runnable()
N_PLUS_ONE = "/experiments/n-plus-one/"


@pytest.fixture
def browser():
    return Client(SERVER_NAME="127.0.0.1")


def answers(experiment):
    """What gives an experiment's answer away, as HTML."""
    found = [inline(experiment.summary), paragraphs(experiment.explanation)]
    found += [inline(experiment.cost), "data-expected", "Copy the fix", "assertNumQueries"]
    found += [html.escape(experiment.not_at.why)] if experiment.not_at else []
    found += [html.escape(v.differs) for v in experiment.variants if v.differs]
    return found


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.slug)
def test_before_the_guess_a_page_holds_no_answer_not_even_hidden(browser, experiment):
    covered = browser.get(f"/experiments/{experiment.slug}/").text
    uncovered = browser.get(f"/experiments/{experiment.slug}/?guess=skip").text

    without_attributes = re.sub(r" data-(differs|remedy)=\"[^\"]*\"", "", covered)
    for answer in answers(experiment):
        assert answer not in without_attributes
    assert 'class="c1"' not in covered  # a comment in the code
    assert "<noscript><iframe" not in covered
    assert inline(experiment.summary) in uncovered
    assert paragraphs(experiment.explanation) in uncovered
    assert "data-expected" in uncovered
    assert "data-covered" not in uncovered
    assert re.findall('data-cover="([^"]+)"', covered) == re.findall(
        'data-cover="([^"]+)"', uncovered
    )


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.slug)
def test_a_covered_page_says_what_is_compared_and_what_to_guess(browser, experiment):
    page = browser.get(f"/experiments/{experiment.slug}/").text

    form = page.split("data-guess ")[1].split("</form>")[0]
    for variant in experiment.variants:
        assert f"<b>{variant.name}</b>" in form
    asked = guesses.questions(experiment)
    for question in asked:
        assert f'name="{question.name}"' in form
        assert html.escape(question.text) in form
    words = {"queries": "queries", "cache_calls": "cache calls", "time": "faster"}
    words |= {"bytes": "bytes", "memory": "memory", "cpu_time": "CPU time"}
    words["correctness"] = "more than once" if experiment.truth == "once" else "a wrong page"
    assert words[experiment.figure] in form


def test_there_is_a_question_for_every_figure():
    assert guesses.QUESTIONS.keys() == guesses.SUBJECTS.keys() == set(registry.FIGURES)


def test_code_without_comments_is_the_same_code():
    for experiment in registry.experiments.values():
        for sources in variant_sources(experiment.slug, experiment.variants).values():
            for source in (source for source in sources if source.name.endswith("()")):
                shown = html.unescape(re.sub("<[^>]+>", "", source.html_without_comments))
                tokens = generate_tokens(StringIO(textwrap.dedent(shown)).readline)

                assert not [token for token in tokens if token.type == COMMENT]
                assert statements(shown) == statements(source.text)


def statements(code):
    """The parsed code, without docstrings."""
    tree = ast.parse(textwrap.dedent(code))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            del node.body[0]
    return ast.dump(tree)


def test_the_lines_that_differ_are_marked_without_comments_too():
    for experiment in registry.experiments.values():
        for sources in variant_sources(experiment.slug, experiment.variants).values():
            for source in sources:
                bare = marked_lines(source.html_without_comments)
                without = re.sub(r'<span class="(c|c1|ch|sd)">.*?</span>', "", source.html)
                lines = marked_lines(without)

                assert [line for line in lines if line] == [line for line in bare if line]


def marked_lines(code):
    """The text of the lines that are marked in highlighted code."""
    lines = re.findall(r'<span id="[^"]+"><span class="hll">(.*?)\n</span></span>', code, re.DOTALL)
    return [html.unescape(re.sub("<[^>]+>", "", line)).strip() for line in lines]


def test_a_guess_once_skipped_stays_so_in_this_browser_for_this_experiment(browser):
    assert "data-covered" in browser.get(N_PLUS_ONE).text

    browser.get(f"{N_PLUS_ONE}?guess=skip&movies=5")

    assert "data-covered" not in browser.get(N_PLUS_ONE).text
    assert "data-covered" in browser.get("/experiments/many-to-many/").text
    assert "data-covered" in Client(SERVER_NAME="127.0.0.1").get(N_PLUS_ONE).text


def test_the_answers_can_be_covered_again(browser):
    browser.get(f"{N_PLUS_ONE}?guess=skip")

    assert "data-covered" in browser.get(f"{N_PLUS_ONE}?guess=again").text
    assert "data-covered" in browser.get(N_PLUS_ONE).text


def test_a_page_sets_no_cookie_unless_it_is_asked_to(browser):
    assert guesses.COOKIE not in browser.get(N_PLUS_ONE).cookies
    browser.get(f"{N_PLUS_ONE}?guess=skip")
    assert guesses.COOKIE not in browser.get(N_PLUS_ONE).cookies
    assert guesses.COOKIE not in browser.get("/").cookies
    assert browser.get(f"{N_PLUS_ONE}slow/?movies=3").cookies == {}


@pytest.mark.parametrize("value", ["0", "1", "", "Skip", "skip&guess=skip"])
def test_a_guess_that_means_nothing_is_refused_in_words(browser, value):
    for path in ("/", N_PLUS_ONE):
        response = browser.get(f"{path}?guess={value}")

        assert response.status_code == 400
        assert guesses.COOKIE not in response.cookies
        assert "guess" in response.text.split("<main")[1]


def test_what_a_cookie_names_beside_experiments_is_nothing(browser):
    browser.cookies[guesses.COOKIE] = "n-plus-one.<script>.no-such-lesson"

    response = browser.get("/experiments/many-to-many/?guess=skip")

    assert response.cookies[guesses.COOKIE].value == "n-plus-one.many-to-many"


def test_a_lesson_that_cannot_run_here_is_not_covered(browser):
    elsewhere = [one for one in registry.experiments.values() if not one.runs_here]

    for experiment in elsewhere:
        page = browser.get(f"/experiments/{experiment.slug}/").text
        assert "data-covered" not in page
        assert paragraphs(experiment.explanation) in page


# The contents.


def card(page, title):
    """The card of an experiment, as text."""
    found = next(part for part in page.split('<li class="card">') if f">{title}<" in part)
    text = re.sub("<[^>]+>", " ", re.sub("</?b>", "", found.split("</li>")[0]))
    return " ".join(html.unescape(text).split())


@pytest.fixture
def measured(settings, tmp_path):
    """A result of n-plus-one that the lab keeps."""
    settings.VAR = tmp_path
    last_results.write(
        *("n-plus-one", 12, 11, 13),
        **{"movies": 100, "round_trip": 0, "big": "101 → 1 query", "small": "12× faster"},
    )


def test_a_card_shows_no_answer_until_the_guess(browser, measured):
    title = "The N+1 query bug"

    before = card(browser.get("/").text, title)
    browser.get(f"{N_PLUS_ONE}?guess=skip")
    page = browser.get("/").text

    ways = "One page, made in 2 ways: slow and fast."
    assert before == f"{title} first workshop {ways} {HOW_MANY_QUERIES}"
    assert "One query for the films" in card(page, title)
    assert "1 + N queries" in card(page, title)
    assert "101 → 1 query, 12× faster; measured here" in card(page, title)
    assert card(page, "Many-to-many relations").endswith(HOW_MANY_QUERIES)


HOW_MANY_QUERIES = "Guess first: how many queries?"


def test_all_cards_can_be_uncovered_and_covered(browser):
    def covered(query):
        return browser.get(f"/{query}").text.count("Guess first: ")

    assert covered("") == len(EXPERIMENTS)
    assert covered("?guess=skip") == covered("") == 0
    assert "data-covered" not in browser.get(N_PLUS_ONE).text
    assert covered("?guess=again") == covered("") == len(EXPERIMENTS)
    assert "data-covered" in browser.get(N_PLUS_ONE).text
