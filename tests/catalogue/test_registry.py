"""Test what an experiment may be, beyond two views and two counts of queries."""

import json
import re
import types

import django
import pytest
from django.db import connection
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.test import Client

from movies.models import Movie
from perflab.catalogue import needs, registry
from perflab.catalogue.knobs import BadKnob, Knobs
from perflab.catalogue.registry import (
    Choice,
    Experiment,
    Queries,
    Setting,
    Step,
    Variant,
    by_django,
    by_vendor,
)
from perflab.compare.promises import broken_promises


def pages(request, rows):
    list(Movie.objects.order_by("id")[:rows])
    return HttpResponse("<h1>Films</h1>")


def make(*variants, **options):
    options = {"topic": "Too many queries"} | options
    return Experiment(
        title="A lesson",
        remedy="the test",
        cost="Nothing.",
        docs="https://docs.djangoproject.com/en/5.2/",
        variants=variants
        or (Variant("slow", pages, Queries(1)), Variant("fast", pages, Queries(1))),
        slug="a-lesson",
        **options,
    )


@pytest.fixture
def lesson(monkeypatch):
    """A function that puts an experiment into the lab for this test: `lesson(*variants)`."""

    def put(*variants, **options):
        experiment = make(*variants, **options)
        monkeypatch.setitem(registry.experiments, "a-lesson", experiment)
        return experiment

    return put


@pytest.fixture
def visitor():
    return Client(SERVER_NAME="127.0.0.1", raise_request_exception=False)


@pytest.mark.parametrize(
    ("queries", "text", "at_250"),
    [
        (Queries(2), "2", 2),
        (Queries(1, per_row=1), "1 + N", 251),
        (Queries(0, per_row=2), "2N", 500),
        (Queries(1, batch=100), "1 + N/100", 4),
        (Queries(1, batch=100, per_batch=2), "1 + 2N/100", 7),
        (Queries(0), "0", 0),
    ],
)
def test_a_promise_has_a_text_and_a_number(queries, text, at_250):
    assert str(queries) == text
    assert queries.at(250) == at_250


def test_a_promise_may_differ_by_database():
    promise = by_vendor(sqlite=Queries(7), postgresql=Queries(1))

    assert promise == (Queries(7) if connection.vendor == "sqlite" else Queries(1))


@pytest.mark.parametrize(
    ("version", "expected"), [((5, 2), 13), ((6, 0), 13), ((6, 1), 1), ((7, 0), 1)]
)
def test_a_promise_may_differ_by_the_version_of_django(version, expected, monkeypatch):
    monkeypatch.setattr(django, "VERSION", (*version, 3, "final", 0))

    assert by_django({(5, 2): Queries(13), (6, 1): Queries(1)}) == Queries(expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"act": "none"},
        {"figure": "miles"},
        {"clock": "sun"},
        {"topic": "Sundays"},
        {"needs": "paper"},
        {"needs": "django>=six"},
        {"needs": "django==5.2"},
    ],
)
def test_a_word_that_means_nothing_is_refused_when_the_lab_starts(wrong, monkeypatch):
    module = types.ModuleType("lessons.odd", "A lesson.\n\nWhat happens.")
    module.experiment = make(**wrong)
    monkeypatch.setattr(registry, "import_module", lambda name: module)

    with pytest.raises(ValueError, match=f"'{next(iter(wrong.values()))}' is none of "):
        registry.register("lessons", ["odd"])


@pytest.mark.parametrize("part", ["body", "read"])
def test_so_is_a_word_of_a_variant_or_of_a_story(part, monkeypatch):
    module = types.ModuleType("lessons.odd", "A lesson.\n\nWhat happens.")
    variants = (Variant("slow", pages, Queries(1), body="odd" if part == "body" else "html"),)
    story = (Step("It rains.", read="odd" if part == "read" else "answer"),)
    module.experiment = make(*variants, story=story)
    monkeypatch.setattr(registry, "import_module", lambda name: module)

    with pytest.raises(ValueError, match=r"lessons\.odd: 'odd' is none of "):
        registry.register("lessons", ["odd"])


@pytest.mark.django_db
def test_an_experiment_is_shown_without_a_query(django_assert_num_queries):
    """The toolbar shows every object that a template is given."""
    films = Movie.objects.filter(year__gt=1990)
    experiment = make(count=films.count)

    with django_assert_num_queries(0):
        assert "A lesson" in repr(experiment)


def test_a_reference_is_no_variant_of_the_ladder():
    slow, fast = Variant("slow", pages, Queries(1)), Variant("fast", pages, Queries(1))
    bare = Variant("bare", pages, Queries(0), reference=True)

    experiment = make(slow, fast, bare)

    assert experiment.fast is fast
    assert experiment.ladder == (slow, fast)


def test_the_ends_of_any_ladder_are_slow_and_fast():
    first, last = Variant("naive", pages, Queries(2)), Variant("cached", pages, Queries(1))

    experiment = make(first, last)

    assert experiment.variant("slow") is first
    assert experiment.variant("fast") is last
    with pytest.raises(KeyError):
        experiment.variant("middle")


def test_a_knob_of_its_own_is_checked_and_written_back():
    page = Choice("page", "Page", (1, 10, 100), 10)

    assert Knobs.read(QueryDict(""), [page]).own == {"page": 10}
    assert "page=100" in Knobs.read(QueryDict("page=100"), [page]).query_string()
    with pytest.raises(BadKnob, match="page must be one of 1, 10, 100, not '11'"):
        Knobs.read(QueryDict("page=11"), [page])


@pytest.mark.django_db
def test_a_view_takes_its_own_knob_and_a_bad_one_is_a_400(lesson, visitor):
    def view(request, rows, page):
        return HttpResponse(f"<h1>Page {page}</h1>")

    variants = (Variant("slow", view, Queries(0)), Variant("fast", view, Queries(0)))
    lesson(*variants, knobs=(Choice("page", "Page", (1, 100), 1),))

    good = visitor.get("/experiments/a-lesson/slow/?page=100")
    bad = visitor.get("/experiments/a-lesson/slow/?page=7")

    assert good.content == b"<h1>Page 100</h1>"
    assert bad.status_code == 400
    assert "page must be one of 1, 100, not &#x27;7&#x27;" in bad.content.decode()
    catalogue = visitor.get("/experiments.json").json()["experiments"][-1]
    assert catalogue["knobs"] == {"page": {"choices": [1, 100], "default": 1}}


@pytest.mark.django_db
def test_an_async_view_is_a_view(lesson, visitor):
    async def view(request, rows):
        films = [movie async for movie in Movie.objects.order_by("id")[:rows]]
        return HttpResponse(f"<h1>{len(films)} films</h1>")

    experiment = lesson(Variant("slow", view, Queries(1)), Variant("fast", view, Queries(1)))

    assert visitor.get("/experiments/a-lesson/slow/?movies=3").content == b"<h1>3 films</h1>"
    assert broken_promises(experiment, 5, "locmem") == []


@pytest.mark.django_db
def test_a_lesson_for_another_database_can_be_read_and_not_run(lesson, visitor):
    other = "sqlite" if connection.vendor == "postgresql" else "postgresql"
    lesson(needs=other)

    page = visitor.get("/experiments/a-lesson/")
    variant = visitor.get("/experiments/a-lesson/slow/")

    assert page.status_code == 200
    assert "A lesson is a lesson on" in page.content.decode()
    assert variant.status_code == 409
    assert "start it with the DATABASE_URL of such a database" in variant.content.decode()
    catalogue = visitor.get("/experiments.json").json()
    assert catalogue["elsewhere"]["a-lesson"] == other
    assert "a-lesson" not in [e["slug"] for e in catalogue["experiments"]]
    assert f"needs {other}".lower() in visitor.get("/").content.decode().lower()


@pytest.mark.django_db
def test_a_lesson_for_a_newer_django_can_be_read_and_not_run(lesson, visitor):
    lesson(needs="django>=9.0")

    page = visitor.get("/experiments/a-lesson/")
    variant = visitor.get("/experiments/a-lesson/slow/")

    sentence = "a lesson on Django 9.0 or newer: start it with a Python that can run that."
    assert page.status_code == 200
    assert sentence in page.content.decode()
    assert variant.status_code == 409
    assert sentence in variant.content.decode()
    assert "This lesson needs Django 9.0 or newer" in variant.content.decode()
    catalogue = visitor.get("/experiments.json").json()
    assert catalogue["elsewhere"]["a-lesson"] == "django>=9.0"
    assert "a-lesson" not in [e["slug"] for e in catalogue["experiments"]]
    assert "needs Django 9.0 or newer" in visitor.get("/").content.decode()
    assert "set DATABASE_URL to one" in needs.how_to_meet("postgresql")
    assert needs.how_to_meet("django>=9.0") == "start the lab with a Python that can run it"


@pytest.mark.parametrize(
    ("needed", "version", "met"),
    [
        ("", (5, 2), True),
        ("django>=5.2", (5, 2), True),
        ("django>=6.1", (5, 2), False),
        ("django>=6.1", (6, 0), False),
        ("django>=6.1", (6, 1), True),
        ("django>=6.2", (6, 10), True),  # a number, not text
    ],
)
def test_a_lesson_runs_on_the_django_that_it_needs_and_on_newer_ones(
    needed, version, met, monkeypatch
):
    monkeypatch.setattr(django, "VERSION", (*version, 3, "final", 0))

    assert make(needs=needed).runs_here is met


@pytest.mark.django_db
def test_a_lesson_for_the_django_at_hand_runs(lesson, visitor):
    lesson(needs="django>=5.2")

    assert visitor.get("/experiments/a-lesson/slow/").status_code == 200
    assert "a-lesson" not in visitor.get("/experiments.json").json()["elsewhere"]


@pytest.mark.django_db
def test_a_collection_too_small_for_a_lesson_offers_to_grow(lesson, visitor):
    lesson(lesson=Setting(films=100_000), not_at=Setting(films=1851, why="It is small."))
    page = visitor.get("/experiments/a-lesson/?guess=skip").content.decode()
    lesson(lesson=Setting(films=1000))
    large_enough = visitor.get("/experiments/a-lesson/").content.decode()

    assert "Add 98,149 films" in page
    assert "It is small." in page
    assert "Add " not in large_enough


@pytest.mark.django_db
def test_what_no_page_shows_counts_for_the_size_of_a_collection(lesson, visitor):
    lesson(lesson=Setting(films=1851), count=lambda: 12)

    assert "Add " not in visitor.get("/experiments/a-lesson/").content.decode()


PAGE = Choice("page", "Page", (1, 10, 100), 10)


def knobs_of(page):
    """Return how the form of a comparison page is set: rows, round trip, page."""
    text = " ".join(page.split())
    numbers = re.findall(r'name="(?:movies|round_trip)" value="([\d.]+)"', text)
    return [*map(float, numbers), *map(int, re.findall(r'<option value="(\d+)" selected', text))]


@pytest.mark.django_db
def test_a_page_begins_where_its_lesson_shows_and_a_knob_in_the_address_wins(lesson, visitor):
    lesson(lesson=Setting(movies=20, round_trip=2, own={"page": 100}), knobs=(PAGE,))

    default = visitor.get("/experiments/a-lesson/").content.decode()
    chosen = visitor.get("/experiments/a-lesson/?page=1&round_trip=0").content.decode()

    assert knobs_of(default) == [20, 2, 100]
    assert knobs_of(chosen) == [20, 0, 1]


@pytest.mark.django_db
def test_without_the_films_that_a_lesson_needs_its_page_begins_as_any_other(lesson, visitor):
    lesson(lesson=Setting(films=5000, own={"page": 100}), knobs=(PAGE,))

    assert knobs_of(visitor.get("/experiments/a-lesson/").content.decode()) == [100, 0, 10]


@pytest.mark.django_db
def test_a_link_leads_where_the_lesson_shows_and_one_where_it_does_not(lesson, visitor):
    lesson(
        lesson=Setting(movies=20, own={"page": 100}),
        not_at=Setting(own={"page": 1}, why="Nothing comes before page 1."),
        knobs=(PAGE,),
    )

    there = visitor.get("/experiments/a-lesson/?guess=skip").content.decode()
    elsewhere = visitor.get("/experiments/a-lesson/?movies=100&page=1").content.decode()

    assert "?movies=100&amp;round_trip=0&amp;page=1" in there
    assert "Nothing comes before page 1." in there
    assert "?movies=20&amp;round_trip=0&amp;page=100" in elsewhere
    assert "Here it does not show" in elsewhere


@pytest.mark.parametrize("own", [{"page": 11}, {"shelf": 1}])
def test_a_setting_that_no_knob_has_is_refused_when_the_lab_starts(own):
    with pytest.raises(ValueError, match="cannot be set"):
        registry.refuse_unknown_words(make(lesson=Setting(own=own), knobs=(PAGE,)))


@pytest.mark.django_db
def test_a_variant_that_differs_says_why_and_is_not_compared(lesson, visitor):
    def other(request, rows):
        return HttpResponse("<h1>Other</h1>")

    reason = "This page is another one on purpose."
    explained = lesson(
        Variant("slow", pages, Queries(1)), Variant("fast", other, Queries(0), differs=reason)
    )
    page = visitor.get("/experiments/a-lesson/?guess=skip").content.decode()
    unexplained = lesson(Variant("slow", pages, Queries(1)), Variant("fast", other, Queries(0)))

    assert broken_promises(explained, 5, "locmem") == []
    assert reason in page
    assert "not the page of" in broken_promises(unexplained, 5, "locmem")[0]


@pytest.mark.django_db
def test_a_variant_that_revalidates_is_asked_again_with_its_etag(lesson):
    etags = []

    def view(request, rows):
        etags.append(request.headers.get("If-None-Match"))
        status = 304 if etags[-1] == '"one"' else 200
        return HttpResponse(
            "" if status == 304 else "<h1>Films</h1>", status=status, headers={"ETag": '"one"'}
        )

    experiment = lesson(
        Variant("slow", lambda request, rows: HttpResponse("<h1>Films</h1>"), Queries(0)),
        Variant("fast", view, Queries(0), revalidates=True),
    )

    assert broken_promises(experiment, 5, "locmem") == []
    assert etags == [None, '"one"']


@pytest.mark.django_db
def test_a_change_is_an_order_from_this_machine_with_a_csrf_token(lesson, visitor):
    changed = []
    variant = Variant("slow", pages, Queries(1), change=lambda request, rows: changed.append(rows))
    lesson(variant, Variant("fast", pages, Queries(1)))
    path = "/experiments/a-lesson/slow/change/?movies=7"

    strict = Client(SERVER_NAME="127.0.0.1", enforce_csrf_checks=True)
    refused = [
        strict.post(path).status_code,
        visitor.get(path).status_code,
        visitor.post(path, REMOTE_ADDR="192.0.2.1").status_code,
        visitor.post(path.replace("slow", "fast")).status_code,
        visitor.post(path + "000000").status_code,
    ]

    assert refused == [403, 405, 403, 404, 400]
    assert changed == []
    assert visitor.post(path).status_code == 204
    assert changed == [7]


@pytest.mark.django_db
def test_a_stream_is_measured_to_its_end_by_its_trace(lesson, visitor):
    def view(request, rows):
        def lines():
            for movie in Movie.objects.order_by("id")[:rows]:
                yield f"{movie.director.name}\n"

        return StreamingHttpResponse(lines(), content_type="text/plain")

    lesson(
        Variant("slow", view, Queries(1, per_row=1)), Variant("fast", view, Queries(1, per_row=1))
    )

    response = visitor.get("/experiments/a-lesson/slow/?movies=5&trace=1&round_trip=2")
    body = b"".join(response)

    assert body.count(b"\n") == 5
    assert 'queries;desc="2"' in response["Server-Timing"]  # what its first line took
    trace = visitor.get(f"/traces/{response['X-Perflab-Trace']}.json").json()
    assert len([event for event in trace["events"] if event["kind"] == "query"]) == 6
    assert all(event["ms"] >= 2 for event in trace["events"])  # the round trip, to the end
    assert trace["memory_peak"] is None


@pytest.mark.django_db
def test_a_trace_of_memory_tells_the_peak(lesson, visitor):
    def view(request, rows):
        block = bytearray(20_000_000)
        return HttpResponse(f"<h1>{len(block)}</h1>")

    lesson(Variant("slow", view, Queries(0)), Variant("fast", pages, Queries(1)))

    peaks = {}
    for name in ("slow", "fast"):
        response = visitor.get(f"/experiments/a-lesson/{name}/?trace=memory")
        path = f"/traces/{response['X-Perflab-Trace']}.json"
        peaks[name] = json.loads(visitor.get(path).content)["memory_peak"]

    assert 20_000_000 <= peaks["slow"] < 30_000_000
    assert 0 < peaks["fast"] < 10_000_000
