"""The lessons on HTTP and on where a copy is kept, which a number of queries does not tell: what a
304 saves, how often a cache is asked, and what a hit passes by."""

import secrets
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.cache.backends.filebased import FileBasedCache
from django.db import connection
from django.test import Client
from django.urls import reverse

from movies.experiments import conditional_get
from movies.models import Movie, Seeding
from perflab import caches
from perflab.caches import LabCache
from perflab.catalogue import registry
from perflab.measure import server_timing
from perflab.web.site_cache import SiteCacheMiddleware

pytestmark = pytest.mark.django_db


def address(slug, variant, **knobs):
    query = "&".join(f"{name}={value}" for name, value in knobs.items())
    return f"{reverse('variant', args=[slug, variant])}?{query}"


def timing(response):
    return server_timing.load(response["Server-Timing"])


@pytest.fixture
def fresh():
    """Knobs with which every cache is cold."""
    return {"movies": 10, "cache": "locmem", "cold": f"t{secrets.token_hex(8)}"}


# conditional-get -------------------------------------------------------------------------------

REVALIDATES = ["hashed", "asked-first"]


@pytest.fixture
def rendered(monkeypatch):
    """How often the page of `conditional-get` is made."""
    times = []
    programme = conditional_get.programme
    monkeypatch.setattr(
        conditional_get, "programme", lambda *args: times.append(1) or programme(*args)
    )
    return times


def revisit(variant):
    """A second visit of a browser that has kept the first one's page; both answers."""
    browser = Client()
    path = address("conditional-get", variant, movies=10)
    first = browser.get(path)
    mark = first.headers.get("ETag", '"none"')
    return first, browser.get(path, headers={"If-None-Match": mark})


def test_without_a_mark_every_visit_is_a_whole_page(rendered):
    first, second = revisit("whole")

    assert "ETag" not in first
    assert second.status_code == 200
    assert len(second.content) == len(first.content) > 1000


@pytest.mark.parametrize("variant", REVALIDATES)
def test_an_unchanged_page_is_not_sent_again(variant):
    first, second = revisit(variant)

    assert first.status_code == 200
    assert second.status_code == 304
    assert second.content == b""
    assert second["ETag"] == first["ETag"]


@pytest.mark.parametrize(("variant", "times"), [("hashed", 2), ("asked-first", 1)])
def test_only_who_asks_first_saves_the_work(rendered, variant, times):
    revisit(variant)

    assert len(rendered) == times


@pytest.mark.parametrize("variant", REVALIDATES)
def test_a_changed_collection_is_sent_again(variant):
    browser = Client()
    path = address("conditional-get", variant, movies=10)
    etag = browser.get(path)["ETag"]

    Movie.objects.filter(pk=Movie.objects.order_by("id")[2].pk).update(title="Another title")
    row = Seeding.objects.get()  # as `seed` does in the transaction that changes films
    row.movies += 1
    row.save()
    second = browser.get(path, headers={"If-None-Match": etag})

    assert second.status_code == 200
    assert b"Another title" in second.content


@pytest.mark.parametrize("variant", REVALIDATES)
def test_pages_of_different_lengths_have_different_marks(client, variant):
    marks = {client.get(address("conditional-get", variant, movies=n))["ETag"] for n in (10, 11)}

    assert len(marks) == 2


# cache-n-plus-one ------------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "cold", "warm"), [("slow", 20, 10), ("fast", 2, 1)])
def test_the_cache_is_asked_once_for_each_film_or_once(client, fresh, variant, cold, warm):
    path = address("cache-n-plus-one", variant, **fresh)

    first, second = timing(client.get(path)), timing(client.get(path))

    assert first["calls"] == cold
    assert second["calls"] == warm
    assert (first["hits"], first["misses"]) == (0, 10)
    assert (second["hits"], second["misses"]) == (10, 0)


@pytest.mark.parametrize("variant", ["slow", "fast"])
def test_only_films_that_are_missing_are_made(client, fresh, variant):
    client.get(address("cache-n-plus-one", variant, **fresh))

    more = client.get(address("cache-n-plus-one", variant, **fresh | {"movies": 12}))

    assert (timing(more)["hits"], timing(more)["misses"]) == (10, 2)
    assert more.content.count(b"<li>") == 12


# cache-backends --------------------------------------------------------------------------------

BACKENDS = [variant.name for variant in registry.get("cache-backends").variants]


def test_every_configured_cache_is_compared():
    assert set(BACKENDS) == {"database", "file", *settings.LAB_CACHES}


@pytest.mark.parametrize("variant", BACKENDS)
def test_the_variants_own_cache_answers_whatever_the_knob_says(client, fresh, variant, monkeypatch):
    path = address("cache-backends", variant, **fresh)
    asked = set()
    ask = LabCache.ask
    monkeypatch.setattr(
        LabCache,
        "ask",
        lambda self, alias, *args, **kw: asked.add(alias) or ask(self, alias, *args, **kw),
    )

    first, second = timing(client.get(path)), timing(client.get(path))

    assert asked == {variant}
    assert (first["calls"], first["misses"]) == (2, 1)
    assert (second["calls"], second["hits"], second["errors"]) == (1, 1, 0)


def rows_in_table():
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM lab_cache")
        return cursor.fetchone()[0]


def test_the_migration_makes_the_table_that_the_settings_name(client, fresh):
    (operation,) = import_module("perflab.migrations.0001_cache_table").Migration.operations
    editor = SimpleNamespace(
        connection=connection,
        execute=lambda sql: connection.cursor().execute(sql),
        quote_name=connection.ops.quote_name,
    )
    table = settings.CACHES["database"]["LOCATION"]

    operation.reverse_code(None, editor)
    assert table not in connection.introspection.table_names()
    operation.code(None, editor)

    path = address("cache-backends", "database", **fresh)
    assert [timing(client.get(path))["hits"] for _ in range(2)] == [0, 1]


def test_the_database_variant_writes_to_its_table(client, fresh):
    before = rows_in_table()

    client.get(address("cache-backends", "database", **fresh))

    assert rows_in_table() == before + 1


def test_the_file_variant_writes_to_a_file_in_var(client, fresh):
    folder = settings.VAR / "cache"
    before = set(folder.glob(f"*{FileBasedCache.cache_suffix}"))

    client.get(address("cache-backends", "file", **fresh))

    assert set(folder.glob(f"*{FileBasedCache.cache_suffix}")) > before


def test_neither_joins_the_knob(client):
    for alias in ("file", "database"):
        assert client.get(address("cache-page", "fast", cache=alias)).status_code == 400


# what-to-cache and the site's cache ------------------------------------------------------------


@pytest.fixture
def passed(monkeypatch):
    """How many requests have passed the middlewares behind the site's cache."""
    from django.middleware.common import CommonMiddleware

    seen = []
    process = CommonMiddleware.process_request
    monkeypatch.setattr(
        CommonMiddleware,
        "process_request",
        lambda self, request: seen.append(request.path) or process(self, request),
    )
    return seen


def test_a_hit_of_the_sites_cache_passes_no_other_middleware(fresh, passed):
    client = Client()
    path = address("what-to-cache", "site", **fresh)

    first, second = client.get(path), client.get(path)

    assert len(passed) == 1
    assert second.content == first.content
    assert timing(second)["hits"] == 2
    assert timing(second)["queries"] == 0


def test_a_hit_of_cache_page_passes_them_all(fresh, passed):
    client = Client()
    path = address("what-to-cache", "page", **fresh)

    client.get(path)
    client.get(path)

    assert len(passed) == 2


def test_a_hit_has_the_headers_of_the_page_and_figures_of_its_own(fresh):
    client = Client()
    path = address("what-to-cache", "site", **fresh)

    first, second = client.get(path), client.get(path)

    for name in ("Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options"):
        assert second[name] == first[name]
    assert second["Server-Timing"] != first["Server-Timing"]
    assert (timing(first)["queries"], timing(second)["queries"]) == (2, 0)


def test_no_other_page_meets_the_sites_cache(fresh):
    client = Client()
    paths = [address("what-to-cache", "nothing", **fresh), reverse("health"), reverse("films")]

    for path in paths:
        client.get(path)
        assert timing(client.get(path))["calls"] == 0, path


def test_the_sites_cache_is_the_one_that_the_knob_names(fresh, monkeypatch):
    client = Client()
    alias = "file"  # as if it were on offer: the pair of caches that is there on every machine
    monkeypatch.setattr(settings, "LAB_CACHES", [*settings.LAB_CACHES, alias])
    client.get(address("what-to-cache", "site", **fresh))

    elsewhere = client.get(address("what-to-cache", "site", **fresh | {"cache": alias}))

    assert timing(elsewhere)["queries"] == 2


def test_a_flush_reaches_the_sites_cache(client):
    path = address("what-to-cache", "site", movies=10, cache="locmem")
    client.get(path)
    assert timing(client.get(path))["queries"] == 0

    caches.flush("what-to-cache")

    assert timing(client.get(path))["queries"] == 2


def test_a_bad_knob_is_refused_in_front_of_the_sites_cache_too(fresh):
    client = Client()
    client.get(address("what-to-cache", "site", **fresh))

    answer = client.get(address("what-to-cache", "site", **fresh | {"movies": "many"}))

    assert answer.status_code == 400
    assert "movies must be" in answer.content.decode()


def test_only_reading_is_kept(fresh):
    client = Client()
    path = address("what-to-cache", "site", **fresh)

    assert client.post(path).status_code == 405
    assert timing(client.get(path))["queries"] == 2


def test_an_inspected_page_is_neither_kept_nor_taken_from_the_cache(rf):
    made = []
    middleware = SiteCacheMiddleware(lambda request: made.append(request) or "a response")
    request = rf.get(address("what-to-cache", "site", movies=10))
    request.inspect = True

    assert middleware(request) == "a response"
    assert middleware(request) == "a response"
    assert len(made) == 2


def test_a_strangers_host_is_refused_before_the_sites_cache(fresh):
    Client().get(address("what-to-cache", "site", **fresh))

    answer = Client(SERVER_NAME="stranger.example").get(address("what-to-cache", "site", **fresh))

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("variant", "calls"),
    [("nothing", 0), ("data", 1), ("fragment", 1), ("page", 2), ("html", 1), ("site", 2)],
)
def test_a_warm_variant_asks_the_cache_so_often(client, fresh, variant, calls):
    path = address("what-to-cache", variant, **fresh)
    client.get(path)

    assert timing(client.get(path))["calls"] == calls


def test_what_is_rendered_again_grows_less_with_every_depth(client, fresh):
    """By the templates that a warm page renders: the page with its rows, the page alone, none."""

    def rendered(variant):
        path = address("what-to-cache", variant, **fresh)
        client.get(path)
        return [template.name for template in client.get(path).templates]

    assert "movies/catalogue_list.html" in rendered("data")
    assert rendered("fragment") == ["movies/catalogue_cached.html", "perflab/base.html"]
    assert rendered("page") == rendered("html") == rendered("site") == []
