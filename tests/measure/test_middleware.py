"""Test the probe around each request: what `Server-Timing` says, whatever the answer was."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError, connection, transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.test import Client
from django.urls import include, path
from django.views.decorators.cache import cache_page
from django.views.decorators.http import condition

from perflab import caches
from tests.support.figures import timing

pytestmark = pytest.mark.django_db


def run_queries(number):
    with connection.cursor() as cursor:
        for _ in range(number):
            cursor.execute("SELECT 1")


def three(request):
    run_queries(3)
    return HttpResponse("three")


def sleeps(request):
    time.sleep(0.05)
    return HttpResponse("slept")


def works(request):
    until = time.thread_time() + 0.03
    while time.thread_time() < until:
        pass
    return HttpResponse("worked")


@transaction.atomic
def in_a_transaction(request):
    run_queries(2)
    return HttpResponse("done")


@condition(etag_func=lambda request: run_queries(1) or '"same"')
def same(request):
    run_queries(3)
    return HttpResponse("same")


def refuses(request):
    run_queries(1)
    raise BadRequest("no such thing")


def forbids(request):
    raise PermissionDenied("not for you")


def misses(request):
    run_queries(2)
    raise Http404("gone")


def breaks(request):
    run_queries(4)
    raise RuntimeError("on purpose")


def database_away(request):
    raise OperationalError("connection refused")


def streams(request):
    run_queries(1)

    def lines():
        run_queries(2)
        yield "line"
        run_queries(4)
        yield "another"

    return StreamingHttpResponse(lines())


@cache_page(60)
def page(request):
    run_queries(2)
    return render(request, "perflab/error.html", {"title": "A page"})


def reads_cache(request):
    cache.get("absent")
    cache.set("present", 1)
    cache.get_many(["absent", "present"])
    return HttpResponse("read")


urlpatterns = [
    path("", include("perflab.urls")),
    *(
        path(f"test/{view.__name__}/", view)
        for view in (
            *(three, sleeps, works, in_a_transaction, same, refuses, forbids, misses, breaks),
            *(database_away, streams, page, reads_cache),
        )
    ),
]
in_these_urls = pytest.mark.urls(__name__)
DOCUMENT = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FRAME = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}


@pytest.fixture
def get():
    client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    return client.get


@in_these_urls
@pytest.mark.parametrize(
    ("view", "status", "queries"),
    [
        ("three", 200, 3),
        ("refuses", 400, 1),
        ("forbids", 403, 0),
        ("misses", 404, 2),
        ("breaks", 500, 4),
        ("database_away", 503, 0),
        ("streams", 200, 3),  # those before its first byte
    ],
)
def test_queries_are_exact_whatever_the_status(get, view, status, queries):
    response = get(f"/test/{view}/")

    assert response.status_code == status
    assert timing(response)["queries"] == queries


@in_these_urls
def test_a_304_tells_the_queries_that_it_still_ran(get):
    response = get("/test/same/", headers={"If-None-Match": '"same"'})

    assert response.status_code == 304
    assert timing(response)["queries"] == 1


@in_these_urls
def test_savepoints_are_no_queries(get):
    figures = timing(get("/test/in_a_transaction/"))

    assert figures["queries"] == 2
    assert figures["tx"] == 2  # SAVEPOINT and RELEASE, inside this test's own transaction


@in_these_urls
def test_waiting_is_wall_time_and_not_cpu_time(get):
    figures = timing(get("/test/sleeps/"))

    assert 50 <= figures["total"] < 500
    assert figures["cpu"] < 45


@in_these_urls
def test_computing_is_cpu_time(get):
    assert timing(get("/test/works/"))["cpu"] >= 30


@in_these_urls
def test_a_cached_page_carries_the_timing_of_this_request(get):
    caches.flush("")

    cold, warm = get("/test/page/"), get("/test/page/")

    assert cold.content == warm.content
    assert (timing(cold)["queries"], timing(warm)["queries"]) == (2, 0)
    assert timing(warm)["hits"] == 2  # the list of headers, then the page
    assert timing(warm)["total"] != timing(cold)["total"]


@in_these_urls
def test_cache_calls_hits_and_misses_are_counted(get):
    caches.flush("")

    figures = timing(get("/test/reads_cache/"))

    assert (figures["calls"], figures["hits"], figures["misses"]) == (3, 1, 2)
    assert figures["cache"] > 0


def test_a_fresh_token_is_cold_and_leaves_the_warm_entries_alone(get):
    path = "/experiments/cache-page/fast/?movies=5&cache=locmem"
    get(path)

    cold, again, other = get(path + "&cold=a1"), get(path + "&cold=a1"), get(path + "&cold=b2")

    assert [timing(response)["queries"] for response in (cold, again, other)] == [2, 0, 2]
    assert timing(get(path))["queries"] == 0


def test_the_worker_and_the_instance_are_named(get, settings):
    settings.INSTANCE = "web-3"

    figures = timing(get("/experiments.json"))

    assert (figures["worker"], figures["instance"]) == (os.getpid(), "web-3")


@in_these_urls
@pytest.mark.parametrize("headers", [DOCUMENT, FRAME, {"Accept": "text/html,*/*"}])
def test_documents_and_frames_show_their_own_figures_and_are_not_stored(get, headers):
    caches.flush("")
    get("/test/page/", headers=headers)

    response = get("/test/page/?inspect=0", headers=headers)

    page = response.content.decode()
    assert 'data-queries="0"' in page
    assert f'data-total="{timing(response)["total"]:.3f}"' in page
    assert response["Cache-Control"] == "no-store"
    assert int(response["Content-Length"]) == len(response.content)


@in_these_urls
def test_a_measured_response_holds_the_placeholder_and_nothing_of_its_request(get):
    page = get("/test/page/").content.decode()

    assert "<!-- perflab: figures -->" in page
    assert str(os.getpid()) not in page


@in_these_urls
def test_a_round_trip_is_added_to_every_query(get):
    near = timing(get("/experiments/many-to-many/slow/?movies=10&round_trip=0"))
    far = timing(get("/experiments/many-to-many/slow/?movies=10&round_trip=5"))

    assert near["queries"] == far["queries"] == 11
    assert far["sql"] >= 11 * 5


@pytest.mark.parametrize("threads", [1, 4], ids=["sync", "gthread"])
def test_concurrent_requests_each_count_their_own(start_lab, threads):
    with ThreadPoolExecutor(8) as pool:
        lab = start_lab(workers=2, threads=threads)
        sizes = [1 + number * 7 % 60 for number in range(60)]
        slow = pool.map(lambda n: lab.get(f"/experiments/n-plus-one/slow/?movies={n}"), sizes)
        fast = pool.map(lambda n: lab.get(f"/experiments/many-to-many/fast/?movies={n}"), sizes)
        slow, fast = list(slow), list(fast)

        assert [answer.timing["queries"] for answer in slow] == [1 + n for n in sizes]
        assert [answer.timing["queries"] for answer in fast] == [2] * len(sizes)
        assert {answer.timing["worker"] for answer in slow + fast} <= set(lab.worker_pids())
