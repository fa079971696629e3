"""Test who inspects a page and who measures it."""

import json
import os
import socket
import subprocess
import sys

import pytest
from django.core.exceptions import DisallowedHost
from django.test import Client

from perflab.web import middleware
from tests.support.balancers import ask
from tests.support.labs import ROOT, Lab
from tests.test_settings import PUBLIC

pytestmark = pytest.mark.django_db
DOCUMENT = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FRAME = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}


@pytest.fixture
def get():
    client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    return client.get


@pytest.mark.parametrize(
    ("query", "way", "other"),
    [
        ("?q=a%26b", "Inspecting", "?q=a%26b&amp;inspect=0"),
        ("?inspect=0", "Measuring", "?inspect=1"),
    ],
)
def test_the_page_says_which_way_of_looking_is_on_and_switches_it(get, query, way, other):
    page = get("/films/" + query, headers=DOCUMENT).content.decode()

    assert f"<strong>{way}.</strong>" in page
    assert f'<a href="{other}">' in page


def test_the_switch_never_leads_to_another_site(get):
    page = get("//evil.example/x", headers=DOCUMENT).content.decode()

    assert 'href="//' not in page


def test_inspect_is_hidden_from_what_lies_behind(get):
    response = get("/films/?q=abc&inspect=1&page=1")

    assert response.wsgi_request.GET.urlencode() == "q=abc&page=1"
    assert response.wsgi_request.inspect


@pytest.mark.parametrize(
    ("query", "headers", "inspect"),
    [
        ("", DOCUMENT, True),
        ("", FRAME, False),
        ("", {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, False),
        ("", {}, False),
        ("?inspect=1", {}, True),
        ("?inspect=1", FRAME, True),
        ("?inspect=0", DOCUMENT, False),
        ("?inspect=1", {"X-Forwarded-For": "10.0.0.1"}, False),
        ("", {**DOCUMENT, "Forwarded": "for=10.0.0.1"}, False),
    ],
)
def test_a_person_inspects_and_everything_else_measures(get, query, headers, inspect):
    assert get("/films/" + query, headers=headers).wsgi_request.inspect is inspect


def test_a_client_that_is_not_on_this_machine_never_inspects():
    stranger = Client(REMOTE_ADDR="192.0.2.7", SERVER_NAME="127.0.0.1")

    assert stranger.get("/films/?inspect=1", headers=DOCUMENT).wsgi_request.inspect is False


@pytest.fixture(scope="module")
def public_lab(seeded_database):
    with Lab(seeded_database, workers=1, **PUBLIC) as lab:
        yield lab


@pytest.mark.parametrize(
    "headers", [{}, {"Host": "10.0.3.7:8000"}, {"Host": "[fd00::7]"}, {"Host": "a b"}, {"Host": ""}]
)
def test_health_answers_a_balancer_by_any_host_and_without_https(public_lab, headers):
    answer = ask(public_lab.port, "/health/", headers=headers)

    assert answer.status == 200
    assert json.loads(answer.text)["status"] == "ok"
    assert "Content-Security-Policy" in answer.headers


def test_health_answers_without_a_host(public_lab):
    with socket.create_connection(("127.0.0.1", public_lab.port), 30) as client:
        client.sendall(b"GET /health/ HTTP/1.0\r\n\r\n")

        assert client.recv(100).startswith(b"HTTP/1.0 200 OK")


@pytest.mark.parametrize("path", ["/", "/health", "/health/x/", "/experiments.json"])
def test_every_other_page_of_a_public_lab_needs_its_name_and_https(public_lab, path):
    https = {"X-Forwarded-Proto": "https"}

    assert ask(public_lab.port, path, headers={"Host": "lab.example.org"}).status == 301
    assert ask(public_lab.port, path, headers={"Host": "10.0.3.7", **https}).status == 400


def test_only_accepted_hosts_are_remembered_and_not_without_end(settings, rf):
    settings.ALLOWED_HOSTS = [".example.org"]
    check = middleware.HostCheckMiddleware(lambda request: None)

    for _ in range(2):
        assert check.process_request(rf.get("/", headers={"Host": "lab.example.org"})) is None
        with pytest.raises(DisallowedHost):
            check.process_request(rf.get("/", headers={"Host": "evil.example"}))
    assert check.accepted == {"lab.example.org"}

    for number in range(middleware.MAX_HOSTS + 5):
        check.process_request(rf.get("/", headers={"Host": f"{number}.example.org"}))
    assert len(check.accepted) == middleware.MAX_HOSTS


@pytest.mark.usefixtures("may_start_servers")
def test_old_connections_are_closed_once_for_a_request():
    script = (
        "import perflab.wsgi; from django.core.signals import request_started, request_finished\n"
        "for signal in (request_started, request_finished):\n"
        "    print(*[receiver[1]().__name__ for receiver in signal.receivers])"
    )

    def receivers(**environment):
        return subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\n")

    started, finished, _ = receivers(DEBUG="0")
    assert started == ""
    assert "close_old_connections" in finished.split()
    assert receivers(DEBUG="1")[0] == "reset_queries"
