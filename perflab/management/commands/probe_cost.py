"""`manage.py probe_cost`: what the lab's own machinery adds to a measured request."""

import json

import psutil
from django.core.management.base import CommandError
from django.urls import reverse

from perflab.base import numbers
from perflab.catalogue import knobs, registry
from perflab.compare import lab_pages
from perflab.compare.clients import in_process, wsgi_environ
from perflab.load.overhead import parts, served
from perflab.load.plan import LoadRefused
from perflab.management.arguments import argument_type, no_such_experiment
from perflab.management.one_line_command import OneLineCommand
from perflab.management.own_database import refuse_to_serve_foreign_database
from perflab.measure.other_programs import cores_kept_busy, read_counters

REQUEST_BUDGET_US = 50
QUERY_BUDGET_US = 5
SHARE_BUDGET = 0.03
SERVED_BUDGET = 0.15
PROBE = "ProbeMiddleware"


class Command(OneLineCommand):
    help = (
        "Measures what the lab's own machinery adds to a measured request on this machine: each "
        "part with and without it in turn, and the whole beside a bare Django under a Gunicorn of "
        f"its own. The budget: for the probe {REQUEST_BUDGET_US} microseconds a request, "
        f"{QUERY_BUDGET_US} a query and {SHARE_BUDGET:.0%} of an experiment's fast page; for all "
        f"together {SERVED_BUDGET:.0%} of a bare response. Exit status 1 when one is exceeded."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--rounds",
            type=argument_type(numbers.whole_number, 10, 100_000),
            default=500,
            help="pairs measured of each part (500)",
        )
        parser.add_argument(
            "--served-rounds",
            type=argument_type(numbers.whole_number, 0, 1000),
            default=12,
            help="rounds of one second for each server beside the bare Django (12); 0 starts none",
        )
        parser.add_argument("--slug", default="n-plus-one", help="the experiment (n-plus-one)")
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *, rounds, served_rounds, slug, **options):
        if slug not in registry.experiments:
            raise no_such_experiment(slug, registry.experiments)
        me = [psutil.Process()]
        before = read_counters(me)
        try:
            check_page(slug)
            costs = measure_parts(slug, rounds)
            costs["served"] = measure_served(served_rounds)
        except (parts.PageFailed, lab_pages.LabRefused, LoadRefused) as error:
            raise CommandError(str(error), returncode=1) from error
        costs["other_cores"] = cores_kept_busy(before, read_counters(me)) or 0.0
        costs["over_budget"] = find_excesses(costs)
        text = json.dumps(costs, indent=1) if options["json"] else describe(costs)
        self.stdout.write(text)
        if costs["over_budget"]:
            over = ", ".join(costs["over_budget"])
            raise CommandError(f"over budget: {over}. Try again on a quiet machine", returncode=1)


def check_page(slug):
    """Raise LabRefused, with the lab's own reason, for a page that cannot be made."""
    refuse_to_serve_foreign_database()
    with in_process() as client:
        told = lab_pages.read_catalogue(client)["experiments"]
        asked = [experiment for experiment in told if experiment["slug"] == slug]
        lab_pages.check_pages(client, asked, {"movies": 1})


def measure_parts(slug, rounds):
    """Return the cost of each part in this process, as it stands in the JSON."""
    bare, fast = find_bare_path(), registry.get(slug).fast
    path = reverse("variant", args=[slug, fast.name])
    found = parts.measure_middleware(lambda: wsgi_environ(bare, {}), rounds)
    found += parts.measure_around(rounds)
    page_s, _ = parts.alternate(
        parts.make_page(lambda: wsgi_environ(path, {}), []), parts.do_nothing, rounds // 5
    )
    [request_us] = [part.us for part in found if part.name == PROBE]
    query_us = parts.measure_query(rounds)
    queries = fast.queries.at(knobs.DEFAULT_MOVIES)
    return {
        "version": 1,
        "rounds": rounds,
        "parts": [
            {"name": part.name, "us": round(part.us, 2), "ours": part.ours} for part in found
        ],
        "probe": {
            "request_us": round(request_us, 2),
            "query_us": round(query_us, 3),
            "page": f"{slug} {fast.name}",
            "page_ms": round(page_s * 1000, 3),
            "queries": queries,
            "share": round((request_us + query_us * queries) / (page_s * 1e6), 5),
        },
    }


def find_bare_path():
    """Return the path of a variant that answers "ok" and nothing else."""
    for experiment in registry.runnable():
        for variant in experiment.variants:
            if variant.name == "bare" and not variant.queries.at(knobs.DEFAULT_MOVIES):
                return reverse("variant", args=[experiment.slug, variant.name])
    raise CommandError("no experiment has a bare variant", returncode=1)


def measure_served(rounds):
    """Return the lab beside a bare Django, as it stands in the JSON; [] for no rounds."""
    if not rounds:
        return []
    servers = served.compare(find_bare_path(), rounds)
    return [
        {
            "name": server.name,
            "requests_per_s": round(served.stats.median(server.rates), 1),
            "cpu_us": round(served.stats.median(server.cpu_us), 1),
            "of_bare_rate": round(served.rate_ratio(server, servers[0]), 3),
            "added": round(served.added_share(server, servers[0]), 3),
            "added_interval": [
                round(share, 3) for share in served.added_interval(server, servers[0])
            ],
        }
        for server in servers
    ]


def find_excesses(costs):
    """Return what exceeds its budget, in words; of the served lab what does so beyond doubt."""
    own = costs["probe"]
    excesses = []
    if own["request_us"] > REQUEST_BUDGET_US:
        excesses.append("the probe of a request")
    if own["query_us"] > QUERY_BUDGET_US:
        excesses.append("the probe of a query")
    if own["share"] > SHARE_BUDGET:
        excesses.append(f"the probe on the page {own['page']}")
    return excesses + [
        server["name"] for server in costs["served"] if server["added_interval"][0] > SERVED_BUDGET
    ]


def describe(costs):
    """Return the costs as a table of text."""
    own = costs["probe"]
    lines = [f"With and without each part in turn, medians of {costs['rounds']} pairs, CPU time:"]
    for part in costs["parts"]:
        note = "" if part["ours"] else "   Django's own"
        if part["name"] == PROBE:
            note = f"   budget {REQUEST_BUDGET_US}"
        lines.append(f"  {part['name']:32}{part['us']:8.1f} µs{note}")
    lines.append(f"  {'the probe, a query':32}{own['query_us']:8.2f} µs   budget {QUERY_BUDGET_US}")
    plural = "y" if own["queries"] == 1 else "ies"
    lines.append(
        f"  The probe takes {own['share']:.2%} of the page {own['page']}, {own['page_ms']:.2f} ms "
        f"and {own['queries']} quer{plural}; budget {SHARE_BUDGET:.0%}"
    )
    if costs["served"]:
        lines.append("Served by Gunicorn, one worker, in turn:")
    for server in costs["served"]:
        low, high = server["added_interval"]
        note = (
            f"   adds {server['added']:6.1%} [{low:.1%} to {high:.1%}], budget {SERVED_BUDGET:.0%}"
        )
        lines.append(
            f"  {server['name']:28}{server['requests_per_s']:8,.0f} requests/s"
            f" ({server['of_bare_rate']:.2f} of bare){server['cpu_us']:8.0f} µs of CPU"
            f"{note if server['name'] != served.BARE else ''}"
        )
    lines.append(f"Other programs kept {costs['other_cores']:.1f} cores busy meanwhile.")
    return "\n".join(lines)
