"""Bad input is answered with a page that says what was wrong, before any query is run."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from perflab.catalogue import registry
from perflab.measure import server_timing

pytestmark = pytest.mark.django_db

BAD_MOVIES = ["abc", "-1", "0", "1000000000", "1.5", "", "%00", "5%00", "%FF", "9" * 10_000]


@pytest.fixture
def client():
    return Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")


def assert_refused(response, status, *words):
    """A whole page of that status which says so, made without a single query."""
    page = response.content.decode()
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert "<h1>" in page
    for word in words:
        assert word in page
    assert server_timing.read(response["Server-Timing"])["queries"] == 0


@pytest.mark.parametrize("value", BAD_MOVIES)
@pytest.mark.parametrize("path", ["", "slow/", "fast/"])
def test_a_bad_number_of_movies_is_refused(client, path, value):
    response = client.get(f"/experiments/n-plus-one/{path}?movies={value}")

    assert_refused(response, 400, "movies must be a whole number from 1 to 5,000")
    assert len(response.content) < 5000


def test_a_missing_knob_has_its_default(client):
    response = client.get("/experiments/n-plus-one/slow/")

    assert response.content.count(b"<tr>") == 101  # the heading and 100 films


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("movies=1&movies=2", "movies is given 2 times"),
        ("round_trip=abc", "round_trip must be a number of ms from 0 to 50"),
        ("round_trip=-1", "round_trip must be"),
        ("round_trip=nan", "round_trip must be"),
        ("cache=memory", "cache must be one of"),
        ("movies=1851&round_trip=50", "1,852 queries"),
    ],
)
def test_a_bad_knob_is_refused_by_its_name(client, query, words):
    assert_refused(client.get(f"/experiments/n-plus-one/slow/?{query}"), 400, words)
    assert_refused(client.get(f"/experiments/n-plus-one/?{query}"), 400, words)


def test_the_ceiling_counts_the_queries_that_the_variant_itself_promises(client):
    query = "movies=300&round_trip=40"

    assert client.get(f"/experiments/n-plus-one/fast/?{query}").status_code == 200
    assert client.get(f"/experiments/n-plus-one/slow/?{query}").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/experiments/no-such/",
        "/experiments/no-such/slow/",
        "/experiments/n-plus-one/medium/",
        "/experiments/" + "x" * 3000 + "/",
        "/experiments/a%00b/",
        "/experiments/%2e%2e/",
        "/nowhere/",
        "/films/abc/",
        "/films/-1/",
        "/directors/x/",
        "/favicon.ico",
    ],
)
def test_an_unknown_address_is_a_404_page(client, path):
    assert_refused(client.get(path), 404, "There is no such page")


@pytest.mark.parametrize("pk", ["0", "999999999", "9" * 30])
def test_an_unknown_film_or_director_is_a_404_page(client, pk):
    assert client.get(f"/films/{pk}/").status_code == 404
    assert client.get(f"/directors/{pk}/").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options", "trace"])
@pytest.mark.parametrize(
    "path",
    ["/", "/experiments.json", "/experiments/n-plus-one/", "/experiments/n-plus-one/slow/"]
    + ["/films/", "/films/1/", "/directors/1/", "/health/"],
)
def test_a_page_that_is_only_read_refuses_other_methods(client, path, method):
    response = getattr(client, method)(path)

    assert_refused(response, 405, method.upper())
    assert response["Allow"] == "GET, HEAD"


def test_a_form_from_elsewhere_is_refused():
    client = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")

    response = client.post("/visitor/", {"name": "Ada"})

    assert_refused(response, 403, "not sent from this site")
    assert settings.SESSION_COOKIE_NAME not in response.cookies


def test_the_lab_s_cookies_leave_those_of_other_projects_on_this_host_alone(client):
    pages = [client.get("/visitor/"), client.post("/visitor/", {"name": "Ada"})]
    pages += [client.get(f"/experiments/{slug}/") for slug in registry.experiments]

    names = {name for page in pages for name in page.cookies}
    assert names == {"perflab_session", "perflab_csrf"}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "a b", "", "[::1", "x" * 500]
)
def test_a_hostile_host_header_is_a_400_page(client, host):
    response = client.get("/experiments/n-plus-one/slow/", headers={"host": host})

    assert_refused(response, 400)
    assert "evil.example" not in response.get("Location", "")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=abc", 404),
        ("page=0", 404),
        ("page=-1", 404),
        ("page=" + "9" * 5000, 404),
        ("page=%00", 404),
        ("q=%00", 400),
        ("q=" + "x" * 10_000, 400),
    ],
)
def test_a_bad_search_or_page_is_a_4xx_page(client, query, status):
    response = client.get(f"/films/?{query}")

    assert response.status_code == status
    assert "<h1>" in response.content.decode()


@pytest.mark.parametrize("q", ["%", "_", "'", '"', "\\", "<script>", "é", "💡", "' OR 1=1 --"])
def test_a_search_takes_any_characters(client, q):
    response = client.get("/films/", {"q": q})

    assert response.status_code == 200
    assert "<script>" not in response.content.decode().replace('<script src="', "")


@pytest.mark.parametrize("name", ["x" * 41, "a\0b"])
def test_a_bad_name_is_refused_in_the_form(client, name):
    response = client.post("/visitor/", {"name": name})

    assert response.status_code == 400
    assert "errorlist" in response.content.decode()


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_makes_a_guest_of_a_visitor_again(client, name):
    client.post("/visitor/", {"name": "Ada"})

    client.post("/visitor/", {"name": name})

    page = client.get("/experiments/template-fragment/slow/?movies=1").content.decode()
    assert "Welcome, guest." in page


def test_a_real_gunicorn_refuses_what_never_reaches_django(lab):
    answer = lab.get("/experiments/n-plus-one/slow/?movies=" + "9" * 10_000)

    assert answer.status == 414
    assert "Request Line is too large" in answer.text


PAGES = ["/", "/films/", "/films/1/", "/visitor/", "/nowhere/", "/health/", "/experiments.json"]


@pytest.mark.parametrize("path", PAGES + [f"/experiments/{slug}/" for slug in registry.experiments])
def test_every_page_carries_the_security_headers(client, path):
    response = client.get(path)

    policy = dict(
        part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";")
    )
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert {"script-src", "style-src", "frame-src", "frame-ancestors"} <= policy.keys()
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_every_experiment_page_has_both_lanes_and_their_sources(client):
    for experiment in registry.experiments.values():
        address = reverse("comparison", args=[experiment.slug])
        page = client.get(address, {"guess": "skip"}).content.decode()

        for variant in experiment.variants:
            assert f"/experiments/{experiment.slug}/{variant.name}/?movies=" in page
            assert f'<span class="nf">{variant.view.__name__}</span>' in page
        if (
            len({variant.view for variant in experiment.variants}) > 1
        ):  # or else it is the cache that differs
            assert page.count('class="hll"') >= 2
