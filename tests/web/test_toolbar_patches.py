"""Test that the toolbar costs a measured request nothing: Django is patched for an inspected one.

A real lab tells what its own requests find: tests/support/wrapped_lab.py.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import CacheHandler, cache, caches
from django.db import connection
from django.template import RequestContext, Template
from django.test import Client

from perflab.measure import inspection
from perflab.web.toolbar import patches
from tests.support.labs import ROOT
from tests.support.services import wait_until
from tests.support.toolbar import Page, inspect, panel, switch

PATCHED = {"Template._render", "RequestContext.bind_template", "CacheHandler.create_connection"}


@pytest.fixture
def start_wrapped_lab(start_lab):
    def start(interface="wsgi", **options):
        application = f"tests.support.wrapped_lab:{interface}"
        return start_lab(workers=1, PERFLAB_TOOLBAR="1", application=application, **options)

    return start


def wrappers_in(response):
    return set(json.loads(response.text)["wrappers"])


# Every function of Django's classes and modules, by whom it was written.
FUNCTIONS = """
import sys, types, perflab.wsgi
import django.template.backends.jinja2, django.core.cache, django.db
from django.urls import resolve
resolve("/")
for module in [module for name, module in sys.modules.items() if name.startswith("django.")]:
    for one in [module, *vars(module).values()]:
        if one is module or (issubclass(type(one), type) and one.__module__ == module.__name__):
            for name, value in vars(one).items():
                if type(value) in (staticmethod, classmethod):
                    value = value.__func__
                if type(value) is types.FunctionType:
                    print(one.__module__ if one is not module else "", one.__name__, name,
                          value.__globals__["__name__"], value.__qualname__)
"""


def test_the_installed_toolbar_changes_no_function_of_django(lab):
    def functions(toolbar):
        done = subprocess.run(
            [sys.executable, "-c", FUNCTIONS],
            cwd=ROOT,
            env={**lab.environment, "PERFLAB_TOOLBAR": toolbar},
            capture_output=True,
            text=True,
            check=True,
        )
        return set(done.stdout.splitlines())

    without, installed = functions("0"), functions("1")

    assert len(without) > 3000
    assert [line for line in without if line not in installed] == []
    assert [line for line in installed if " debug_toolbar" in line] == []


def test_a_measured_request_finds_no_wrapper_before_and_after_an_inspected_one(start_wrapped_lab):
    lab = start_wrapped_lab()

    before = lab.get("/wrappers/")
    inspected = lab.get("/wrappers/?inspect=1")
    page = lab.get("/films/?inspect=1")
    after = lab.get("/wrappers/")

    assert {answer.timing["worker"] for answer in (before, inspected, page, after)} == {
        before.timing["worker"]
    }
    assert wrappers_in(before) == set()
    assert "inspected" not in before.timing
    assert wrappers_in(inspected) >= PATCHED | {"cursor: DjDTCursorWrapper", "LabCache object: get"}
    assert inspected.timing["inspected"] == page.timing["inspected"] == 1
    assert wrappers_in(after) == set()
    assert "inspected" not in after.timing


@pytest.mark.parametrize("path", ["/fails/", "/streams/", "/no/such/page/"])
def test_nothing_is_left_of_an_inspected_request_that_fails_or_streams(start_wrapped_lab, path):
    lab = start_wrapped_lab()

    inspected = lab.get(f"{path}?inspect=1")
    after = lab.get("/wrappers/")

    assert inspected.timing["inspected"] == 1
    if path == "/streams/":  # its content is made after the toolbar has finished
        assert wrappers_in(inspected) == set()
    else:
        assert inspected.status >= 400
    assert wrappers_in(after) == set()
    assert "inspected" not in after.timing


@pytest.mark.parametrize("method", ["enable_instrumentation", "process_request", "generate_stats"])
def test_nothing_is_left_when_the_toolbar_itself_fails(db, monkeypatch, method):

    before = Template._render, RequestContext.bind_template, CacheHandler.create_connection
    cache.get("nothing")

    def fail(*arguments):
        raise RuntimeError("the toolbar fails")

    monkeypatch.setattr(f"debug_toolbar.panels.cache.CachePanel.{method}", fail)
    client = Client(raise_request_exception=False)

    assert client.get("/experiments/n-plus-one/slow/?movies=3&inspect=1").status_code == 500
    assert before == (
        *(Template._render, RequestContext.bind_template),
        CacheHandler.create_connection,
    )
    held = (connection, *caches.all(initialized_only=True))
    assert [name for one in held for name in vars(one) if name.startswith("_djdt")] == []
    assert "inspected" not in client.get("/films/")["Server-Timing"]


def test_a_wrapper_that_cannot_be_removed_stops_no_other_request(monkeypatch):
    def fail():
        raise RuntimeError("a wrapper stays")

    before = Template._render
    monkeypatch.setattr(patches, "remove_wrappers", fail)

    with pytest.raises(RuntimeError), patches.in_place():
        assert inspection.running == 1

    assert inspection.running == 0
    assert Template._render is before


@pytest.mark.parametrize("worker_class", ["gevent", "asgi"])
def test_other_worker_classes_leave_no_wrapper_either(start_wrapped_lab, worker_class):
    interface = "asgi" if worker_class == "asgi" else "wsgi"
    lab = start_wrapped_lab(interface, arguments=("--worker-class", worker_class))

    answers = []
    for path in ("/wrappers/", "/fails/", "/films/"):
        inspected = lab.get(f"{path}?inspect=1")
        answers += [inspected, lab.get("/wrappers/")]

    assert [answer.timing.get("inspected", 0) for answer in answers] == [1, 0] * 3
    assert wrappers_in(answers[0]) >= PATCHED
    assert [wrappers_in(answer) for answer in answers[1::2]] == [set()] * 3


BESIDE = {"threads": {"threads": 3}, "gevent": {"arguments": ("--worker-class", "gevent")}}


@pytest.mark.parametrize("kind", BESIDE)
def test_a_measured_request_beside_an_inspected_one_says_so(start_wrapped_lab, kind):
    lab = start_wrapped_lab(**BESIDE[kind])

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lab.get, "/waits/?inspect=1")
        wait_until(lambda: "inspected" in lab.get("/wrappers/").timing, "the inspected request")
        second = pool.submit(lab.get, "/waits/?inspect=1")
        beside = lab.get("/wrappers/")
        page = lab.get("/films/", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"})
        (lab.var / "go").touch()
        inspected = [first.result(), second.result()]
    after = [lab.get("/wrappers/") for _ in range(6)]

    assert beside.timing["inspected"] == 1
    assert wrappers_in(beside) >= PATCHED
    assert not [name for name in wrappers_in(beside) if "object" in name or "cursor" in name]
    assert "<strong>No measurement.</strong>" in page.text
    assert all(wrappers_in(answer) >= PATCHED for answer in inspected)
    assert [wrappers_in(answer) for answer in after] == [set()] * 6
    assert not any("inspected" in answer.timing for answer in after)


def test_a_request_that_an_inspected_one_joins_says_so(start_wrapped_lab):
    lab = start_wrapped_lab(threads=3)

    with ThreadPoolExecutor(1) as pool:
        measured = pool.submit(lab.get, "/waits/")
        wait_until(lambda: lab.get("/wrappers/?inspect=1").status == 200, "an inspected request")
        (lab.var / "go").touch()
        measured = measured.result()

    assert measured.timing["inspected"] == 1
    assert wrappers_in(measured) == set()


def test_the_panels_hold_nothing_of_the_requests_beside(start_wrapped_lab):
    lab = start_wrapped_lab(threads=3)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lab.get, "/waits/?inspect=1")
        wait_until(lambda: "inspected" in lab.get("/wrappers/").timing, "the inspected request")
        beside = lab.get("/films/")
        drawn = inspect(lab, "/films/1/")
        (lab.var / "go").touch()
        answer = waiting.result()
    waited = Page("/waits/", answer.headers["djdt-request-id"], 0, 0, "")

    assert beside.timing["inspected"] == 1
    assert beside.timing["queries"] > 0
    buttons = switch(lab, waited)
    assert buttons["SQLPanel"].startswith("SQL 0 queries")
    assert buttons["CachePanel"].startswith("Cache 1 call ")
    assert panel(lab, waited, "TemplatesPanel")[0].count("toggleTemplate") == 0
    assert switch(lab, drawn)["SQLPanel"].startswith(f"SQL {drawn.queries} quer")
    templates, _ = panel(lab, drawn, "TemplatesPanel")
    assert "perflab/base.html" in templates
    assert "perflab/films/list.html" not in templates
