"""`manage.py probe_cost`: what measuring itself costs, alternating with and without the probe."""

import statistics
from time import thread_time

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.test import RequestFactory
from django.urls import reverse

from perflab import registry
from perflab.probe import probe

WARM_UP = 20
REQUEST_BUDGET_US = 50
QUERY_BUDGET_US = 5
SHARE_BUDGET = 0.03
QUERIES = 100


class Command(BaseCommand):
    help = (
        "Measures the probe's own cost on this machine: the fast page of an experiment with and "
        "without ProbeMiddleware, and statements with and without the probe, in turn. "
        f"The budget: {REQUEST_BUDGET_US} microseconds a request, {QUERY_BUDGET_US} a query, "
        f"{SHARE_BUDGET:.0%} of the page. Exit status 1 when one is exceeded."
    )

    def add_arguments(self, parser):
        parser.add_argument("--rounds", type=int, default=500, help="pairs measured (500)")
        parser.add_argument("--slug", default="n-plus-one", help="the experiment (n-plus-one)")

    def handle(self, *, rounds, slug, **options):
        if not 10 <= rounds <= 100_000:
            raise CommandError("--rounds must be from 10 to 100000", returncode=2)
        if slug not in registry.experiments:
            known = ", ".join(registry.experiments)
            raise CommandError(f"there is no experiment {slug!r}; there are {known}", returncode=2)
        fast = registry.get(slug).fast
        path = reverse("rung", args=[slug, fast.name])
        bare_middleware = [m for m in settings.MIDDLEWARE if "ProbeMiddleware" not in m]
        without, longer = in_turn(
            page(path, bare_middleware), page(path, settings.MIDDLEWARE), rounds
        )
        _, statements_longer = in_turn(statements, probed_statements, rounds)

        request_us = longer * 1e6
        query_us = statements_longer / QUERIES * 1e6
        share = longer / without
        self.stdout.write(
            f"{slug} {fast.name}, 100 rows, median of {rounds} pairs in turn:\n"
            f"  page without probe {without * 1e6:8.1f} µs\n"
            f"  cost of a request  {request_us:8.1f} µs   budget {REQUEST_BUDGET_US} "
            f"and {QUERY_BUDGET_US} a query\n"
            f"  share of the page  {share:8.2%}      budget {SHARE_BUDGET:.0%}\n"
            f"  cost of a query    {query_us:8.2f} µs   budget {QUERY_BUDGET_US}"
        )
        queries = fast.queries.at(100)
        over = (
            request_us > REQUEST_BUDGET_US + QUERY_BUDGET_US * queries
            or query_us > QUERY_BUDGET_US
            or share > SHARE_BUDGET
        )
        if over:
            raise CommandError("over budget: try again on a quiet machine", returncode=1)


def page(path, middleware):
    """A function that asks for a page in process, through this middleware."""
    handler = WSGIHandler()
    whole = settings.MIDDLEWARE
    settings.MIDDLEWARE = middleware
    try:
        handler.load_middleware()
    finally:
        settings.MIDDLEWARE = whole
    factory = RequestFactory(SERVER_NAME=settings.ALLOWED_HOSTS[0])

    def ask():
        response = handler.get_response(factory.get(path, secure=settings.HTTPS))
        if response.status_code != 200:
            raise CommandError(f"{path} answers {response.status_code}", returncode=1)

    return ask


def statements():
    """Some statements that cost next to nothing."""
    with connection.cursor() as cursor:
        for _ in range(QUERIES):
            cursor.execute("SELECT 1")


def probed_statements():
    """The same under a probe."""
    with probe():
        statements()


def in_turn(one, other, rounds):
    """Two functions called in turn, after a warm-up: the median seconds of the first, and the
    median of what the second took longer in each pair.

    The clock is this thread's CPU time: the probe computes and never waits, and so other programs
    on the machine do not count as its cost.
    """
    times = ([], [])
    for number in range(WARM_UP + rounds):
        # Who goes first changes too.
        for index, function in ((0, one), (1, other)) if number % 2 else ((1, other), (0, one)):
            started = thread_time()
            function()
            if number >= WARM_UP:
                times[index].append(thread_time() - started)
    longer = [b - a for a, b in zip(*times, strict=True)]
    return statistics.median(times[0]), statistics.median(longer)
