"""Test which pages carry the debug toolbar and which never do."""

import html
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
from django.test import Client

from tests.support.labs import ROOT
from tests.support.toolbar import NAVIGATION, SLOW, has_toolbar, inspect, panel

CACHED = "/experiments/cache-page/fast/"
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


# Every page, and only those that a person inspects.


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
    """Assert that the page comes without a toolbar, and that the toolbar has not seen it."""
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
    """Return the folder in which a lab's toolbar keeps what it has seen."""

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
