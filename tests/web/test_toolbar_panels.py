"""Test the debug toolbar's panels in real Gunicorn workers.

A panel fetch is answered 200 also when it only says that the data is gone, so every test here looks
for what only that page's panel can hold."""

import html
import json
import re
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache.utils import make_template_fragment_key
from django.test import Client

from perflab.catalogue import registry
from tests.support import services
from tests.support.labs import Lab
from tests.support.services import or_skip
from tests.support.toolbar import SLOW, history, inspect, panel, switch, text_of

EXPERIMENTS = list(registry.experiments.values())
TEMPLATES = {  # what each experiment renders, whatever its cache holds
    "n-plus-one": "movies/with_directors.html",
    "many-to-many": "movies/with_countries.html",
    "cache-page": "movies/programme.html",
    "template-fragment": "movies/greeting_",
    "fragment-trap": "movies/cached_list.html",
    "low-level-cache": "movies/decades.html",
}


def press(lab, sql_panel, button, query=0):
    """Press "Sel" or "Expl" beside a query of a SQL panel; return the HTML of the answer."""
    forms = re.findall(r"<form method=\"post\">.*?</form>", sql_panel, re.DOTALL)
    signed = html.unescape(re.search(r'name="signed" value="([^"]*)"', forms[query])[1])
    address = re.search(rf'formaction="([^"]*)"[^>]*>{button}<', forms[query])[1]
    response = lab.request(
        "POST",
        address,
        {"Content-Type": "application/x-www-form-urlencoded"},
        urllib.parse.urlencode({"signed": signed}),
    )
    assert response.status == 200
    return json.loads(response.text)["content"]


@pytest.fixture(scope="module")
def four_workers(seeded_database):
    """Start a lab with a Redis of its own: another test's fragments would save it queries."""
    redis = or_skip(services.Redis)
    try:
        with Lab(seeded_database, workers=4, REDIS_URL=redis.url) as lab:
            yield lab
    finally:
        redis.remove()


def sql_holds(page, rows, content):
    text = text_of(content)
    limits = {int(limit) for limit in re.findall(r"LIMIT (\d+)", text)}
    assert rows in limits
    assert limits <= {rows, 21}  # 21 is what .get() asks for
    assert content.count('class="djDebugSql"') == page.queries


def templates_hold(page, rows, content):
    slug, variant = page.path.split("/")[2:4]
    assert TEMPLATES[slug] in content
    assert f"GET '{page.path}'" in text_of(content)


def request_holds(page, rows, content):
    text = text_of(content)
    slug, variant = page.path.split("/")[2:4]
    assert f"{{'name': '{variant}', 'slug': '{slug}'}}" in text
    assert f"'movies' '{rows}'" in text


def time_holds(page, rows, content):
    elapsed = float(re.search(r"Elapsed time ([\d.]+) ms", text_of(content))[1])
    cpu = float(re.search(r"Total CPU time ([\d.]+) ms", text_of(content))[1])
    shown = re.search(r"CPU: ([\d.]+)ms \(([\d.]+)ms\)", page.buttons)
    assert abs(cpu - float(shown[1])) < 0.01
    assert abs(elapsed - float(shown[2])) < 0.01


def cache_holds(page, rows, content):
    text = text_of(content)
    if "template-fragment/fast" in page.path:
        assert make_template_fragment_key("programme", [rows]) in text
    elif "fragment-trap" in page.path:
        assert make_template_fragment_key("films", [rows]) in text
    shown = re.search(r"(\d+) calls? in ([\d.]+)ms", page.buttons)
    calls, spent = (shown[1], shown[2]) if shown else ("0", "0.00")
    assert f"Cache misses {calls} {spent} ms" in text


def history_holds(page, rows, content):
    row = re.search(r'<tr class="djdt-highlighted" id="historyMain_(\w+)".*', content, re.DOTALL)
    assert row[1] == page.id
    assert f"GET {page.path} +" in text_of(row[0])


HOLDS = {
    "SQLPanel": sql_holds,
    "TemplatesPanel": templates_hold,
    "RequestPanel": request_holds,
    "TimerPanel": time_holds,
    "CachePanel": cache_holds,
    "HistoryPanel": history_holds,
}


def test_every_panel_of_100_concurrent_pages_holds_that_page_s_data(four_workers):
    variants = [(e.slug, r.name) for e in EXPERIMENTS for r in e.variants if e.slug in TEMPLATES]
    panels = list(HOLDS)

    def visit(n):
        slug, variant = variants[n % len(variants)]
        rows = 3 + n
        page = inspect(four_workers, f"/experiments/{slug}/{variant}/?movies={rows}")
        workers = set()
        for name in (panels[n % len(panels)], panels[(n + 1) % len(panels)]):
            content, worker = panel(four_workers, page, name)
            HOLDS[name](page, rows, content)
            workers.add(worker)
        return page, workers

    with ThreadPoolExecutor(8) as visitors:
        visited = list(visitors.map(visit, range(100)))

    assert len({page.id for page, _ in visited}) == 100
    assert any(page.worker not in workers for page, workers in visited)
    assert len({worker for _, workers in visited for worker in workers}) == 4
    assert '" 50' not in four_workers.log_text()
    assert_history_lists(four_workers, [page for page, _ in visited])


def assert_history_lists(lab, pages):
    listed = history(lab, pages[0])
    for page in pages:
        assert f"GET {page.path} +" in listed[page.id]
        assert listed[page.id].endswith("200 Switch")
    for page in pages[::25]:
        buttons = switch(lab, page)
        assert buttons["SQLPanel"].startswith(f"SQL {page.queries} quer")
        assert "HistoryPanel" not in buttons


def test_select_and_explain_work_every_time(four_workers):
    def ask(n):
        rows = 200 + n
        page = inspect(four_workers, f"/experiments/n-plus-one/fast/?movies={rows}")
        sql_panel, _ = panel(four_workers, page, "SQLPanel")
        return rows, press(four_workers, sql_panel, "Sel"), press(four_workers, sql_panel, "Expl")

    with ThreadPoolExecutor(8) as visitors:
        answers = list(visitors.map(ask, range(12)))

    for rows, selected, explained in answers:
        assert f"LIMIT {rows}" in text_of(selected)
        assert selected.count("<tr") == rows + 1
        assert f"LIMIT {rows}" in text_of(explained)
        assert "SCAN movies_movie" in text_of(explained)


@pytest.mark.django_db
def test_explain_works_on_this_database(django_db_setup):
    client = Client()
    page = client.get(f"{SLOW}?movies=3&inspect=1").content.decode()
    request_id = re.search(r'data-request-id="(\w+)"', page)[1]
    address = f"/__debug__/render_panel/?request_id={request_id}&panel_id=SQLPanel"
    content = client.get(address).json()["content"]
    signed = html.unescape(re.search(r'name="signed" value="([^"]*)"', content)[1])

    answer = client.post("/__debug__/sql_explain/", {"signed": signed})

    assert re.search("(?i)scan.* movies_movie", text_of(answer.json()["content"]))


def test_explain_takes_no_sql_but_its_own(four_workers):
    page = inspect(four_workers, f"{SLOW}?movies=3")
    forged = json.dumps({"request_id": page.id, "djdt_query_id": "x", "sql": "DROP TABLE x"})

    response = four_workers.request(
        "POST",
        "/__debug__/sql_explain/",
        {"Content-Type": "application/x-www-form-urlencoded"},
        urllib.parse.urlencode({"signed": f"{forged}:AAAA"}),
    )

    assert response.status == 400


def test_a_toolbar_address_that_makes_no_sense_is_a_4xx(four_workers):
    page = inspect(four_workers, f"{SLOW}?movies=3")

    for query in (
        "render_panel/",
        f"render_panel/?request_id={page.id}",
        f"render_panel/?request_id={page.id}&panel_id=NoPanel",
        "history_sidebar/",
        "history_refresh/",
        "sql_explain/",
        "sql_select/",
        "template_source/",
        "no_view/",
    ):
        assert 400 <= four_workers.get(f"/__debug__/{query}").status < 500, query


def test_a_query_is_shown_with_the_experiment_s_own_line(four_workers):
    content, _ = panel(four_workers, inspect(four_workers, f"{SLOW}?movies=3"), "SQLPanel")

    stacks = re.findall(r'<pre class="djdt-stack">(.*?)</pre>', content, re.DOTALL)

    assert len(stacks) == 4
    for stack in stacks:
        assert "n_plus_one.py in slow(" in text_of(stack)
        assert " in " in text_of(stack)
        assert text_of(stack).count(".py in ") == 1
