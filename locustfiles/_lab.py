"""What the scenarios share: the lab that they load, its options, and the check of each page.

Importing this module gives Locust the lab's options and limits. Locust then sends no request to a
host off loopback unless --i-own-this-host was given with it, and allows at most 500 users.
"""

import ipaddress
import itertools
import json
import random
import re
import sys
from html import unescape
from urllib.parse import urlencode, urlsplit

import psutil
from flask import jsonify, request
from locust import FastHttpUser, events
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook
from locust.exception import StopTest
from locust.runners import WorkerRunner

MAX_USERS = 500
KNOBS = ("movies", "round_trip", "cache")

HEADING = re.compile(r"<h1>(.*?)</h1>")
ROW = re.compile(r"<tr><td|<li\b|<dt\b")
LEAD = re.compile(r'<p class="lead">(.*?)</p>')


class LocustRefused(Exception):
    """The load must not begin. The message is one line that says why."""


class LabUser(FastHttpUser):
    """A user of the lab, who asks for pages as a script does, and checks that each page is whole.

    `experiments` yields the experiments in the lab's order, again and again, from a random one on.
    """

    abstract = True

    def __init__(self, environment):
        try:
            self.host = check_host(self.host, environment.owned_hosts)
        except LocustRefused as refused:
            raise StopTest(str(refused)) from None
        super().__init__(environment)
        options = environment.parsed_options
        experiments = options.catalogue["experiments"]
        start = random.randrange(len(experiments))
        self.experiments = itertools.cycle(experiments[start:] + experiments[:start])
        self.knobs = chosen_knobs(vars(options))
        self.rows = int(options.movies or options.catalogue["knobs"]["movies"]["default"])

    def get_page(self, path, name, heading=None, rows=1, body="html"):
        """Fetch a page and return its text. It counts as failed if `find_problem` finds one.

        `name` is the row of Locust's tables in which the page is counted.
        """
        get = self.client.get(path, name=name, catch_response=True, allow_redirects=False)
        with get as response:
            if response.status_code and (problem := find_problem(response, heading, rows, body)):
                response.failure(problem)
            return response.text or ""

    def get_variant(self, experiment, variant, name):
        """Fetch one variant of an experiment, with the knobs of this run.

        Where there are fewer rows than this run asks for, as of a search, it asks for all of them.
        """
        rows = min(self.rows, experiment.get("most_rows") or self.rows)
        knobs = {**self.knobs, "movies": rows} if "movies" in self.knobs else self.knobs
        path = f"{variant['url']}?{urlencode(knobs)}"
        least = 1 if variant.get("differs") else rows  # such a page may show fewer rows
        return self.get_page(path, name, rows=least, body=variant.get("body", "html"))


def slow_and_fast(experiment):
    """Return an experiment's first and last variant, those for reference left out."""
    variants = [variant for variant in experiment["variants"] if not variant.get("reference")]
    return variants[0], variants[-1]


def find_problem(response, heading, rows, body="html"):
    """Return what is wrong with a page in one line, or None.

    Even with status 200 a page may be an error page or an empty one. `heading` is the HTML of the
    page's h1, None where any heading will do. `rows` is the least number of films, directors or
    list items on the page. `body` is "html", "json" (an object with a list of the rows) or "lines"
    (a text with a line for each row).
    """
    page = response.text or ""
    found = HEADING.search(page)
    title = found[1] if found else "a page without a heading"
    if response.status_code != 200:
        return f"status {response.status_code}: {title}"
    timing = response.headers.get("Server-Timing", "")
    if "total;dur=" not in timing:
        return f"no Server-Timing on: {title}"
    if "inspected;" in timing:
        return "the same worker inspected a page meanwhile, so this is no measurement"
    if body == "html" and not found:
        return "the page has no heading"
    if body == "html" and heading not in (None, title):
        return f"the heading is {title!r}, not {heading!r}"
    count = count_rows(page, body)
    if count is None or count < rows:
        answer = title if found else f"an answer of {body}"
        return f"{'no' if count is None else count} rows on a page of {rows}: {answer}"
    return None


def count_rows(page, body):
    """Return how many rows a page has; None if it is not what `body` says."""
    if body == "html":
        return len(ROW.findall(page))
    if body == "lines":
        return None if page.lstrip().startswith("<") else len(page.splitlines())
    try:
        return max(len(part) for part in json.loads(page).values() if isinstance(part, list))
    except (ValueError, AttributeError):
        return None


def check_host(host, owned):
    """Return the base address to load, without a slash at its end.

    Raises LocustRefused if it is neither on this machine nor in `owned`.
    """
    host = (host or "").rstrip("/")
    try:
        parts = urlsplit(host)
        plain = f"{parts.scheme}://{parts.netloc}" == host and "@" not in host
        parts.port  # noqa: B018  (raises ValueError when it is none)
    except ValueError:
        plain = False
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname:
        raise LocustRefused(f"the host must look like http://127.0.0.1:8000, not {host!r}")
    if host not in owned and not is_loopback(parts.hostname):
        raise LocustRefused(
            f"{host} is not on this machine. A load test of somebody's site is an attack on it: "
            "if it is yours, start again with it as --host and with --i-own-this-host"
        )
    return host


def is_loopback(name):
    """Return whether a host's name or address can only mean this machine."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_users(users):
    """Raise LocustRefused for less than one user, and for more than MAX_USERS.

    None stands for Locust's own default.
    """
    if users is not None and users < 1:
        raise LocustRefused(f"{users} users ask for nothing: there must be 1 or more")
    if users is not None and users > MAX_USERS:
        raise LocustRefused(f"{users} users are too many: the ceiling is {MAX_USERS}")


def chosen_knobs(values):
    """Return the knobs that have a value, from a dict of texts or numbers."""
    return {name: values[name] for name in KNOBS if values.get(name) not in (None, "")}


def fetch_catalogue(host, knobs, only=None):
    """Return the catalogue of the lab at this host, of one experiment alone if `only` names it.

    Two entries are added, for all experiments: `bodies` says by the address of each variant what
    it answers, and `differing` lists the addresses of those that may show fewer rows.
    Raises LocustRefused if no lab answers, or if it does not accept the knobs.
    """
    client = FastHttpSession(host, EventHook(), None, connection_timeout=5, network_timeout=20)
    answer = client.get("/experiments.json", allow_redirects=False)
    if not answer.status_code:
        raise LocustRefused(
            f"no lab answers at {host} ({answer.error}). Start it: python3 -m perflab"
        )
    try:
        catalogue = answer.json()
        experiments = catalogue["experiments"]
        slugs = [experiment["slug"] for experiment in experiments]
        variants = [variant for experiment in experiments for variant in experiment["variants"]]
        addresses = [variant["url"] for variant in variants]
        compared = [variant for variant in variants if not variant.get("reference")]
        catalogue["bodies"] = {variant["url"]: variant.get("body", "html") for variant in compared}
        catalogue["differing"] = [variant["url"] for variant in compared if variant.get("differs")]
        catalogue["knobs"]["movies"]["default"] + 0  # raises TypeError if it is no number
    except (ValueError, KeyError, TypeError):
        addresses = []
    if not addresses or not all(re.match(r"/[\w-]", address) for address in addresses):
        raise LocustRefused(
            f"{host} answers, but not as a lab: no experiments at /experiments.json"
        )
    if only:
        if only not in slugs:
            raise LocustRefused(f"there is no experiment {only!r}, only {', '.join(slugs)}")
        catalogue["experiments"] = [experiments[slugs.index(only)]]
    asked = f"{catalogue['experiments'][0]['url']}?{urlencode(knobs)}"  # the lab checks the knobs
    answer = client.get(asked, allow_redirects=False)
    if answer.status_code == 400:
        reason = LEAD.search(answer.text)
        raise LocustRefused(unescape(reason[1]) if reason else f"the lab refuses {asked}")
    return catalogue


def refuse_several_scenarios():
    """End Locust with one line if it has loaded several files: a directory, or a list of files.

    Locust would run all of them at once, and count the slow and the fast page under one name.
    """
    known, classes = set(), [LabUser]
    while classes:
        known.add(classes[-1].__module__)
        classes += classes.pop().__subclasses__()
    scenarios = sorted(name for name in known if not name.startswith("_"))
    if len(scenarios) > 1:
        print(
            f"locust: these are {len(scenarios)} scenarios, and their figures would be mixed: name "
            f"one of {', '.join(scenarios)}, for example -f locustfiles/{scenarios[0]}.py. "
            "duel.py compares slow and fast.",
            file=sys.stderr,
        )
        sys.exit(2)


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    """Add the lab's own options, and defaults that keep Locust itself on loopback."""
    refuse_several_scenarios()
    parser.set_defaults(
        host="http://127.0.0.1:8000", web_host="127.0.0.1", master_bind_host="127.0.0.1"
    )
    parser.add_argument("--movies", env_var="LOCUST_MOVIES", help="rows, or all that a page has")
    parser.add_argument("--round-trip", env_var="LOCUST_ROUND_TRIP", help="simulated ms per query")
    parser.add_argument("--cache", env_var="LOCUST_CACHE", help="which cache the experiments use")
    parser.add_argument(
        "--experiment", env_var="LOCUST_EXPERIMENT", help="load only the experiment with this slug"
    )
    parser.add_argument(
        "--i-own-this-host",
        action="store_true",
        include_in_web_ui=False,
        help="allow the --host given here although it is not on loopback",
    )


@events.init.add_listener
def check_target(environment, web_ui, **_):
    """Check the target before any user is made, and again at each start in the web interface."""
    options = environment.parsed_options
    # Only the command line may name a host that is owned: a form of the web interface must not.
    environment.owned_hosts = (
        {(options.host or "").rstrip("/")} if options.i_own_this_host else set()
    )
    if isinstance(environment.runner, WorkerRunner):
        return  # the master asks the lab and sends the catalogue; each user checks the host again

    def prepare(host, users, values):
        host = check_host(host, environment.owned_hosts)
        check_users(users)
        # Locust sends its options to its workers, so these need not fetch the catalogue.
        options.catalogue = fetch_catalogue(host, chosen_knobs(values), values.get("experiment"))
        environment.host = host

    try:
        if web_ui is None or options.autostart:
            prepare(environment.host, options.num_users, vars(options))
        else:
            check_host(environment.host, environment.owned_hosts)
            check_users(options.num_users)
    except LocustRefused as refused:
        print(f"locust: {refused}", file=sys.stderr)
        for worker in psutil.Process().children():  # forked by --processes; they would wait for us
            worker.kill()
        sys.exit(2)

    if web_ui:

        @web_ui.app.before_request
        def check_request():
            if request.headers.get("Origin") not in (None, request.host_url.rstrip("/")):
                return "only this page's own forms may start and stop a load", 403
            if not (request.method == "POST" and request.path.endswith("/swarm")):
                return None
            form = request.form
            users = form.get("user_count", "")
            try:
                prepare(
                    form.get("host", environment.host),
                    int(users) if users.isdecimal() else None,
                    {**vars(options), **form},
                )
            except LocustRefused as refused:
                return jsonify(success=False, message=str(refused), host=environment.host)
            return None
