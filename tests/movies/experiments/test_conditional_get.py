"""Test conditional-get: what a 304 saves, and when a changed page is sent again."""

import copy
import shutil

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory, override_settings
from django.views.decorators.http import condition, conditional_page

from movies import imdb
from movies.experiments import conditional_get
from movies.models import Movie, Seeding
from perflab.catalogue import release
from tests.support import imdb_dumps
from tests.support.experiments import address
from tests.support.labs import ROOT

pytestmark = pytest.mark.django_db
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
    Seeding.objects.get().save()  # as `seed` does in the transaction that changes films
    second = browser.get(path, headers={"If-None-Match": etag})

    assert second.status_code == 200
    assert b"Another title" in second.content


@pytest.mark.parametrize("variant", REVALIDATES)
def test_pages_of_different_lengths_have_different_marks(client, variant):
    marks = {client.get(address("conditional-get", variant, movies=n))["ETag"] for n in (10, 11)}

    assert len(marks) == 2


@pytest.mark.parametrize("variant", REVALIDATES)
def test_a_second_import_of_as_many_films_is_sent(tmp_path, variant):
    def import_films(title, number):
        folder = tmp_path / str(number)
        folder.mkdir()
        changed = [line.replace("Miss Jerry", title) for line in imdb_dumps.FILMS]
        imdb.import_films(imdb_dumps.write(folder, films=changed), replace=True)
        return Seeding.objects.values("recipe", "seed", "movies", "links", "reviews").get()

    browser = Client()
    path = address("conditional-get", variant, movies=4)
    before = import_films("The first title", 1)
    first = browser.get(path)
    after = import_films("Another title", 2)
    second = browser.get(path, headers={"If-None-Match": first["ETag"]})

    assert before == after
    assert second.status_code == 200
    assert b"Another title" in second.content


@pytest.mark.parametrize("variant", REVALIDATES)
def test_a_release_with_other_templates_is_sent(monkeypatch, tmp_path, variant):
    browser = Client()
    path = address("conditional-get", variant, movies=10)
    first = browser.get(path)
    for folder in ("perflab", "movies", "templates"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    page = tmp_path / "templates/movies/programme.html"
    page.write_text(page.read_text().replace("<h1>The programme", "<h1>The new programme"))
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [tmp_path / "templates"]
    monkeypatch.setattr("perflab.catalogue.release.ROOT", tmp_path)
    release.release.cache_clear()

    with override_settings(TEMPLATES=templates):
        second = browser.get(path, headers={"If-None-Match": first["ETag"]})
    release.release.cache_clear()

    assert second.status_code == 200
    assert b"The new programme" in second.content


def form(request):
    return HttpResponse(f"<input name=csrfmiddlewaretoken value={get_token(request)}>")


@pytest.mark.parametrize(
    ("view", "status"),
    [(conditional_page(form), 200), (condition(etag_func=lambda request: '"1"')(form), 304)],
)
def test_a_page_with_a_form_is_never_unchanged_by_its_hash(view, status):
    def visit(**headers):
        request = RequestFactory().get("/", headers=headers)
        request.META["CSRF_COOKIE"] = "s" * 32  # the same visitor's
        return view(request)

    assert visit(**{"If-None-Match": visit()["ETag"]}).status_code == status
