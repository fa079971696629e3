"""The debug toolbar, in real Gunicorn workers: it works every time, and stays away from measuring.

A panel fetch is answered 200 also when it only says that the data is gone, so every test here looks
for what only that page's panel can hold.
"""

import html
import json
import re
import subprocess
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.cache.utils import make_template_fragment_key
from django.test import Client

from perflab.catalogue import registry
from perflab.web.toolbar import SPARE, FolderStore
from tests import services
from tests.labs import ROOT, Lab
from tests.services import or_skip

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
SLOW = "/experiments/n-plus-one/slow/"
CACHED = "/experiments/cache-page/fast/"
EXPERIMENTS = list(registry.experiments.values())
TEMPLATES = {  # what each experiment renders, whatever its cache holds
    "n-plus-one": "movies/with_directors.html",
    "many-to-many": "movies/with_countries.html",
    "cache-page": "movies/programme.html",
    "template-fragment": "movies/greeting_",
    "fragment-trap": "movies/cached_list.html",
    "low-level-cache": "movies/decades.html",
}


def text_of(markup):
    """The text of some HTML, on one line."""
    markup = re.sub(r"<br/?>|&nbsp;", " ", markup)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", markup)).split())


@dataclass
class Page:
    """A page with the toolbar in it: its id, and what the toolbar's buttons say."""

    path: str
    id: str
    worker: int
    queries: int
    buttons: str


def has_toolbar(response):
    return 'id="djDebug"' in response.text


def inspect(lab, path):
    """Open a page with the toolbar."""
    response = lab.get(f"{path}{'&' if '?' in path else '?'}inspect=1")
    assert response.status < 500
    request_id = re.search(r'data-request-id="([0-9a-f]{32})"', response.text)
    assert request_id, f"there is no toolbar in {path}"
    toolbar = response.text[response.text.index('id="djDebug"') :]
    timing = response.timing
    return Page(path, request_id[1], timing["worker"], timing["queries"], text_of(toolbar))


def panel(lab, page, name):
    """The HTML of one panel of a page, and the worker that made it."""
    query = urllib.parse.urlencode({"request_id": page.id, "panel_id": name})
    response = lab.get(f"/__debug__/render_panel/?{query}")
    assert response.status == 200
    return json.loads(response.text)["content"], response.timing["worker"]


def press(lab, sql_panel, button, query=0):
    """Press "Sel" or "Expl" beside a query of a SQL panel; the HTML of the answer."""
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


def history(lab, page):
    """The requests that History lists: {id: its row's text}, oldest first."""
    response = lab.get(f"/__debug__/history_refresh/?request_id={page.id}")
    assert response.status == 200
    return {row["id"]: text_of(row["content"]) for row in json.loads(response.text)["requests"]}


def switch(lab, page):
    """Press "Switch" beside a request in History: the toolbar's buttons as they are then."""
    query = urllib.parse.urlencode({"request_id": page.id, "exclude_history": "True"})
    response = lab.get(f"/__debug__/history_sidebar/?{query}")
    assert response.status == 200
    return {name: text_of(part["button"]) for name, part in json.loads(response.text).items()}


@pytest.fixture(scope="module")
def four_workers(seeded_database):
    """A lab with a Redis of its own: another test's fragments would save this one's queries."""
    redis = or_skip(services.Redis)
    try:
        with Lab(seeded_database, workers=4, REDIS_URL=redis.url) as lab:
            yield lab
    finally:
        redis.remove()


# What only this page's panels can hold: its number of films is in all of them, or its very times.


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


# Every page, and only those that a person inspects.

ERRORS = {
    "/no/such/page/": 404,
    "/experiments/no-such/": 404,
    "/films/99999999/": 404,
    "/films/?page=999999": 404,
    f"{SLOW}?movies=none": 400,
    "/experiments/n-plus-one/?movies=0": 400,
    "/films/?q=%00": 400,
}


def every_page():
    yield from ("/", "/films/", "/films/?q=love&page=1", "/films/1/", "/directors/1/", "/visitor/")
    for slug in ("n-plus-one", "cache-page"):  # test_browser looks at every experiment's page
        yield from (f"/experiments/{slug}/{variant}?movies=5" for variant in ("", "slow/", "fast/"))
    yield from ERRORS


@pytest.mark.parametrize("path", list(every_page()))
def test_every_page_carries_the_toolbar_when_a_person_opens_it(lab, path):
    response = lab.get(path, NAVIGATION)

    assert response.status == ERRORS.get(path, 200)
    assert has_toolbar(response)
    assert "<strong>Inspecting.</strong>" in response.text
    assert 'data-inspect="1"' in response.text
    assert response.text.count("<h1>") == 1


def test_a_refused_form_and_a_wrong_method_carry_it_too(lab):
    refused = lab.request("POST", "/visitor/", NAVIGATION)
    wrong = lab.request("POST", "/films/", NAVIGATION)

    assert (refused.status, wrong.status) == (403, 405)
    assert has_toolbar(refused)
    assert has_toolbar(wrong)


def test_a_page_for_a_hostile_host_carries_it_and_breaks_nothing(lab):
    response = lab.get("/", {**NAVIGATION, "Host": "evil.example"})

    assert response.status == 400
    assert has_toolbar(response)


MEASURED = {
    "curl": {"User-Agent": "curl/8", "Accept": "*/*"},
    "requests": {"User-Agent": "python-requests/2", "Accept": "*/*", "Connection": "keep-alive"},
    "nothing": {},
    "an old browser": {"Accept": "text/html,application/xhtml+xml"},
    "a frame": {**NAVIGATION, "Sec-Fetch-Dest": "iframe"},
    "fetch": {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "*/*"},
    "a fetch of a document": {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "document"},
    "a prefetch": {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty", "Purpose": "prefetch"},
}
PROXIES = {
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "localhost",
    "X-Real-IP": "127.0.0.1",
    "Forwarded": "for=127.0.0.1",
    "Via": "1.1 balancer",
}


def assert_measured(lab, path, headers):
    """The page comes without a toolbar, and the toolbar has not seen it."""
    seen = len(FolderOf(lab).requests())

    response = lab.get(path, headers)

    assert response.status == 200
    assert "djdt" not in response.text
    assert "djDebug" not in response.text
    assert "djdt-request-id" not in response.headers
    assert "Inspecting" not in response.text
    assert len(FolderOf(lab).requests()) == seen
    assert "SQLPanel" not in response.headers["Server-Timing"]


class FolderOf:
    """The folder in which a lab's toolbar keeps what it has seen."""

    def __init__(self, lab):
        self.path = Path(lab.var) / "toolbar"

    def requests(self):
        return list(self.path.iterdir()) if self.path.exists() else []


@pytest.mark.parametrize("path", ["/", "/experiments/n-plus-one/", f"{SLOW}?movies=5", "/films/"])
@pytest.mark.parametrize("client", MEASURED)
def test_no_toolbar_on_a_measured_request(lab, path, client):
    assert_measured(lab, path, MEASURED[client])


@pytest.mark.parametrize("query", ["inspect=0", "movies=5&inspect=0", "inspect=0&movies=5"])
def test_no_toolbar_for_a_person_who_measures(lab, query):
    assert_measured(lab, f"{SLOW}?{query}", NAVIGATION)


@pytest.mark.parametrize("header", PROXIES)
def test_no_toolbar_behind_a_proxy(lab, header):
    proxy = {header: PROXIES[header]}

    assert_measured(lab, f"{SLOW}?movies=5&inspect=1", proxy)
    assert_measured(lab, f"{SLOW}?movies=5", {**NAVIGATION, **proxy})
    assert_toolbar_views_closed(lab, proxy)


def assert_toolbar_views_closed(lab, headers):
    page = inspect(lab, f"{SLOW}?movies=5")
    content, _ = panel(lab, page, "SQLPanel")
    signed = html.unescape(re.search(r'name="signed" value="([^"]*)"', content)[1])
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    body = urllib.parse.urlencode({"signed": signed})
    one = f"request_id={page.id}"

    statuses = [
        lab.get(f"/__debug__/render_panel/?{one}&panel_id=SQLPanel", headers).status,
        lab.get(f"/__debug__/history_refresh/?{one}", headers).status,
        lab.get(f"/__debug__/history_sidebar/?{one}", headers).status,
        lab.request("POST", "/__debug__/sql_select/", form, body).status,
        lab.request("POST", "/__debug__/sql_explain/", form, body).status,
    ]

    assert statuses == [404] * 5


@pytest.mark.django_db
@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", ""])
def test_no_toolbar_for_a_peer_elsewhere(peer):
    near = Client().get(f"{SLOW}?movies=5", headers=NAVIGATION)
    request_id = near["djdt-request-id"]
    client = Client(REMOTE_ADDR=peer)

    for response in (
        client.get(f"{SLOW}?movies=5", headers=NAVIGATION),
        client.get(f"{SLOW}?movies=5&inspect=1"),
    ):
        assert response.status_code == 200
        assert b"djDebug" not in response.content
        assert "djdt-request-id" not in response
    address = f"/__debug__/render_panel/?request_id={request_id}&panel_id=SQLPanel"
    assert client.get(address).status_code == 404
    assert Client().get(address).status_code == 200


def test_no_toolbar_in_public_mode(start_lab):
    host = {"Host": "lab.example.org"}
    lab = start_lab(
        workers=1,
        PERFLAB_PUBLIC="1",
        PERFLAB_TOOLBAR="",  # as it comes
        PERFLAB_HTTPS="0",
        SECRET_KEY="a-key-of-0123456789-ABCDEFGHIJ-klmnopqrstuvwxyz-long-enough",
        ALLOWED_HOSTS="lab.example.org",
    )

    assert_measured(lab, f"{SLOW}?movies=5", {**NAVIGATION, **host})
    assert_measured(lab, f"{SLOW}?movies=5&inspect=1", host)
    assert_not_installed(lab, host)


def test_no_toolbar_at_all_for_load_runs(start_lab):
    lab = start_lab(workers=1, PERFLAB_TOOLBAR="0")

    assert_measured(lab, f"{SLOW}?movies=5", NAVIGATION)
    assert_measured(lab, f"{SLOW}?movies=5&inspect=1", {})
    assert_not_installed(lab, {})


def assert_not_installed(lab, headers):
    assert lab.get("/__debug__/render_panel/", headers).status == 404
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT,
        env=lab.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.split() == ["django.template.base"]


# Which modules of the toolbar are loaded with the site, and whose the method is that it patches.
LOADED = """
import sys, perflab.wsgi
from django.template import Template
from django.urls import resolve
resolve("/")
print(*[name for name in sys.modules if name.startswith("debug_toolbar")])
print(Template._render.__module__)
"""


@pytest.mark.django_db
@pytest.mark.parametrize("threaded", [True, False])
def test_an_inspected_page_says_when_threads_may_mix_the_panels(threaded):
    client = Client(**{"wsgi.multithread": threaded})

    page = client.get(f"{SLOW}?movies=5", headers=NAVIGATION).content.decode()

    assert ("may mix their requests" in page) == threaded


# What is behind the toolbar is not told that somebody looks.


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("movies=61", "movies=61&inspect=1"),
        ("movies=62&inspect=1", "movies=62"),
        ("inspect=0&movies=63", "inspect=1&movies=63"),
        ("movies=64&inspect=1&round_trip=0", "movies=64&round_trip=0"),
    ],
)
def test_an_inspected_page_is_the_cached_one(lab, first, second):
    cold = lab.get(f"{CACHED}?{first}")
    warm = lab.get(f"{CACHED}?{second}")

    assert (cold.timing["queries"], cold.timing["hits"]) == (2, 0)
    assert (warm.timing["queries"], warm.timing["hits"]) == (0, 2)
    assert has_toolbar(cold) == ("inspect=1" in first)
    assert has_toolbar(warm) == ("inspect=1" in second)


# The store.


@pytest.fixture
def store(monkeypatch, tmp_path):
    monkeypatch.setattr("perflab.web.toolbar.FOLDER", tmp_path / "toolbar")
    return FolderStore


def ids(numbers):
    return [f"{number:032x}" for number in numbers]


def test_concurrent_requests_do_not_lose_each_other(store):
    def serve(request_id):
        store.set(request_id)
        for name in ("HistoryPanel", "SQLPanel"):
            store.save_panel(request_id, name, {"of": request_id})

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(serve, ids(range(160))))

    assert sorted(store.request_ids()) == ids(range(160))
    assert all(store.panel(id, "SQLPanel") == {"of": id} for id in ids(range(160)))


def test_the_oldest_requests_end_first_and_those_still_listed_last(store):
    for request_id in ids(range(300)):
        store.set(request_id)
        store.save_panel(request_id, "SQLPanel", {})

    listed = store.request_ids()

    assert listed == ids(range(100, 300))
    assert store.exists(ids([99])[0])  # History may be about to ask for it
    assert not store.exists(ids([300 - 200 - SPARE - 1])[0])


@pytest.mark.parametrize("request_id", ["", ".", "..", "../..", "/etc", "0" * 31, "z" * 32])
def test_an_id_from_an_address_names_no_other_folder(store, request_id):
    store.set("0" * 32)

    assert not store.exists(request_id)


def test_a_panel_that_saved_nothing_is_empty(store):
    assert store.panel("0" * 32, "SQLPanel") == {}


def test_only_its_owner_reads_what_the_toolbar_saw(store, tmp_path):
    store.set("0" * 32)

    assert (tmp_path / "toolbar" / ("0" * 32)).stat().st_mode & 0o077 == 0


def test_a_disk_that_takes_nothing_costs_the_panels_not_the_page(start_lab):
    lab = start_lab(workers=1, PERFLAB_TOOLBAR="1")
    (lab.var / "toolbar").write_text("in the way of the folder")

    page = inspect(lab, f"{SLOW}?movies=5")

    content, _ = panel(lab, page, "SQLPanel")
    assert "isn't available anymore" in html.unescape(content)
    assert history(lab, page) == {}
