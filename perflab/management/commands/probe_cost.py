"""`manage.py probe_cost`: what measuring itself costs, alternating with and without the probe."""

from time import thread_time

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.management.base import CommandError
from django.db import connection
from django.urls import reverse

from perflab.base import numbers
from perflab.catalogue import knobs, registry
from perflab.compare.clients import wsgi_environ
from perflab.management.arguments import argument_type
from perflab.management.one_line_command import OneLineCommand
from perflab.measure import stats
from perflab.measure.probe import probe

WARM_UP = 20
REQUEST_BUDGET_US = 50
QUERY_BUDGET_US = 5
SHARE_BUDGET = 0.03
QUERIES = 100


class Command(OneLineCommand):
    help = (
        "Measures the probe's own cost on this machine, with and without it in turn: a light page, "
        "statements, and what that comes to on the fast page of an experiment. "
        f"The budget: {REQUEST_BUDGET_US} microseconds a request, {QUERY_BUDGET_US} a query, "
        f"{SHARE_BUDGET:.0%} of the page. Exit status 1 when one is exceeded."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--rounds",
            type=argument_type(numbers.whole_number, 10, 100_000),
            default=500,
            help="pairs measured (500)",
        )
        parser.add_argument("--slug", default="n-plus-one", help="the experiment (n-plus-one)")

    def handle(self, *, rounds, slug, **options):
        if slug not in registry.experiments:
            known = ", ".join(registry.experiments)
            raise CommandError(f"there is no experiment {slug!r}; there are {known}", returncode=2)
        fast = registry.get(slug).fast
        path = reverse("variant", args=[slug, fast.name])
        without = [m for m in settings.MIDDLEWARE if "ProbeMiddleware" not in m]
        # A page of one millisecond shows 50 microseconds; one of seven hides them in its noise.
        light = reverse("catalogue")
        _, request_s = alternate(page(light, without), page(light, settings.MIDDLEWARE), rounds)
        _, queries_s = alternate(statements, probed_statements, rounds)
        page_s, _ = alternate(page(path, without), page(path, settings.MIDDLEWARE), rounds // 5)

        queries = fast.queries.at(knobs.DEFAULT_MOVIES)
        request_us, query_us = request_s * 1e6, queries_s / QUERIES * 1e6
        share = (request_us + query_us * queries) / (page_s * 1e6)
        self.stdout.write(
            f"Medians of {rounds} pairs, with and without the probe in turn, CPU time:\n"
            f"  a request  {request_us:6.1f} µs   budget {REQUEST_BUDGET_US}\n"
            f"  a query    {query_us:6.2f} µs   budget {QUERY_BUDGET_US}\n"
            f"  of the page {slug} {fast.name}, {page_s * 1000:.2f} ms and {queries} "
            f"quer{'y' if queries == 1 else 'ies'}: {share:.2%}, budget {SHARE_BUDGET:.0%}"
        )
        over = request_us > REQUEST_BUDGET_US or query_us > QUERY_BUDGET_US or share > SHARE_BUDGET
        if over:
            raise CommandError("over budget: try again on a quiet machine", returncode=1)


def page(path, middleware):
    """Return a function that asks for a page in process, through this middleware."""
    handler = WSGIHandler()
    whole = settings.MIDDLEWARE
    settings.MIDDLEWARE = middleware
    try:
        handler.load_middleware()
    finally:
        settings.MIDDLEWARE = whole

    def get():
        response = handler.get_response(WSGIRequest(wsgi_environ(path, {})))
        if response.status_code != 200:
            raise CommandError(f"{path} answers {response.status_code}", returncode=1)

    return get


def statements():
    """Run some statements that cost next to nothing."""
    with connection.cursor() as cursor:
        for _ in range(QUERIES):
            cursor.execute("SELECT 1")


def probed_statements():
    """Run the same statements under a probe."""
    with probe():
        statements()


def alternate(one, other, rounds):
    """Call two functions in turn, after a warm-up; return the median seconds of the first, and the
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
    return stats.median(times[0]), stats.median(longer)
