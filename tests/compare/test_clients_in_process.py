"""Test that the lab answers in this process, whatever ALLOWED_HOSTS allows."""

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command

from perflab.catalogue import registry
from perflab.compare.clients import InProcess
from perflab.compare.promises import broken_promises
from perflab.web.warm_up import warm_up

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["*", ".example.com", "lab.example.com", "[::1]"])
def first_host(request, settings):
    """The lab with this as the first of the hosts that it may be reached by."""
    settings.ALLOWED_HOSTS = [request.param]
    return request.param


def test_a_client_in_this_process_is_answered(first_host):
    assert InProcess().get("/").status == 200
    assert InProcess().get("/experiments/n-plus-one/slow/?movies=5").status == 200


def test_a_new_worker_is_warmed_up_by_whole_pages(first_host):
    statuses = []
    handler = WSGIHandler()

    def application(environ, start_response):
        response = handler(environ, start_response)
        statuses.append(response.status_code)
        return response

    warm_up(application)

    assert len(statuses) > 2
    assert set(statuses) == {200}


def test_promises_are_checked(first_host):
    assert broken_promises(registry.get("n-plus-one"), 5, "locmem") == []


@pytest.mark.long
def test_the_probe_is_compared_with_pages_that_are_made(first_host, monkeypatch, capsys):
    from perflab.management.commands import probe_cost

    for budget in ("REQUEST_BUDGET_US", "QUERY_BUDGET_US", "SHARE_BUDGET"):
        monkeypatch.setattr(probe_cost, budget, 1_000_000)  # what it costs is not the question

    call_command("probe_cost", rounds=10, served_rounds=0)

    assert "of the page n-plus-one fast" in capsys.readouterr().out


def test_an_address_reaches_the_view_as_it_was_written(settings):
    answer = InProcess().get("/experiments/n-plus%2Done/slow/?movies=0&cache=%22")

    assert answer.status == 400
    assert b"movies must be a whole number from 1" in answer.body
