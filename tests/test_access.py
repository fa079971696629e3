"""Test who counts as local, by PERFLAB_LOCAL, and what the others are refused.

The real balancers are here too: ours, and two that add no header.
"""

import pytest
from django.test import Client, RequestFactory

from perflab import access
from tests.support.balancers import (
    BALANCERS,
    BARE,
    LIES,
    PAGE,
    ask,
    ask_for_more,
    assert_closed,
    balancer,
    bare_balancer,
)
from tests.support.labs import Lab

HERE = {"REMOTE_ADDR": "127.0.0.1"}
FAR = {"REMOTE_ADDR": "192.0.2.7"}
PROXIED = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}
SOCKET = {"REMOTE_ADDR": ""}  # nginx in front of a unix socket


@pytest.mark.parametrize(
    ("local", "who", "is_local", "inspects"),
    [
        ("loopback", HERE, True, True),
        ("loopback", {"REMOTE_ADDR": "::1"}, True, True),
        ("loopback", FAR, False, False),
        ("loopback", SOCKET, False, False),
        ("loopback", PROXIED, False, False),
        *[
            ("loopback", {**HERE, header: ""}, False, False)
            for header in ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST")
        ],
        ("never", HERE, False, False),
        ("never", PROXIED, False, False),
        ("always", HERE, True, True),
        ("always", FAR, True, False),
        ("always", PROXIED, True, False),
    ],
)
def test_perflab_local_says_who_is_local(settings, local, who, is_local, inspects):
    settings.LOCAL, settings.TOOLBAR = local, True
    request = RequestFactory().get("/", **who)

    assert access.is_local(request) is is_local
    assert access.can_inspect(request) is inspects


@pytest.fixture(scope="module", params=["loopback", "never"])
def local(request):
    return request.param


@pytest.fixture(scope="module")
def lab_with_toolbar(seeded_database, local):
    """A lab that has the toolbar whoever is local."""
    options = {"PERFLAB_LOCAL": local, "PERFLAB_TOOLBAR": "1"}
    with Lab(seeded_database, workers=1, **options) as lab:
        yield lab


def assert_open(port):
    inspected, traced, flushed = ask_for_more(port)
    assert "djDebug" in inspected.text
    assert "X-Perflab-Trace" in traced.headers
    assert flushed.status == 204


def test_only_loopback_trusts_this_machine(lab_with_toolbar, local):
    (assert_open if local == "loopback" else assert_closed)(lab_with_toolbar.port)


@pytest.mark.parametrize("name", BARE)
def test_a_balancer_without_headers_opens_the_lab_unless_nobody_is_local(
    lab_with_toolbar, local, name, tmp_path
):
    with bare_balancer(name, lab_with_toolbar.port, tmp_path) as port:
        if local == "loopback":  # docs/deploy.md says so
            assert_open(port)
        else:
            for lie in LIES:
                assert_closed(port, lie)


@pytest.mark.parametrize("name", BALANCERS)
def test_nobody_who_comes_through_our_balancers_is_local(lab_with_toolbar, name, tmp_path):
    with balancer(name, lab_with_toolbar.port, tmp_path) as port:
        for lie in LIES:
            assert_closed(port, lie)


def test_behind_a_forwarded_port_a_form_says_what_to_set(start_lab):
    forwarded = {"Origin": "https://lab-8000.app.github.dev", "X-Forwarded-For": "203.0.113.9"}
    closed = start_lab(workers=1)
    trusting = start_lab(
        workers=1, PERFLAB_LOCAL="always", CSRF_TRUSTED_ORIGINS="https://*.app.github.dev"
    )

    refused, answered = (ask_for_more(lab.port, forwarded)[2] for lab in (closed, trusting))

    assert refused.status == 403
    assert "Origin checking failed" in refused.text
    assert "CSRF_TRUSTED_ORIGINS=https://lab-8000.app.github.dev" in refused.text
    assert answered.status == 204
    assert "X-Perflab-Trace" in ask(trusting.port, f"{PAGE}&trace=1", headers=forwarded).headers


def test_a_form_without_a_cookie_is_told_djangos_reason():
    strict = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")

    page = strict.post("/experiments/cache-page/flush/").content.decode()

    assert "CSRF cookie not set. Reload the page and send it again." in page
