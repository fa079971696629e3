"""Test that each part of the lab's own machinery is measured."""

import time

import pytest

from perflab.compare.clients import wsgi_environ
from perflab.load.overhead import parts

pytestmark = pytest.mark.django_db
BARE = "/experiments/two-tier/bare/"


class SlowMiddleware:
    """Compute for a millisecond."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        until = time.thread_time() + 0.001
        while time.thread_time() < until:
            pass
        return self.get_response(request)


def environ():
    return wsgi_environ(BARE, {})


@pytest.mark.long
def test_every_middleware_is_a_part_and_a_slow_one_shows(settings):
    name = f"{__name__}.SlowMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, name]

    found = parts.measure_middleware(environ, 30)

    assert [part.name for part in found] == [
        path.rpartition(".")[2] for path in settings.MIDDLEWARE
    ]
    assert {part.name for part in found if not part.ours} >= {"SecurityMiddleware"}
    costs = {part.name: part.us for part in found}
    assert costs["SlowMiddleware"] > 800
    assert max(costs, key=costs.get) == "SlowMiddleware"


def test_the_access_log_and_the_scoreboard_cost_something():
    found = parts.measure_around(10)

    assert [part.name for part in found] == ["access log", "scoreboard"]
    assert all(0 < part.us < 1000 for part in found)


def test_a_page_that_cannot_be_made_is_told():
    page = parts.make_page(lambda: wsgi_environ("/no/such/page/", {}), [])

    with pytest.raises(parts.PageFailed, match="answers 404"):
        page()
