"""What the scenarios share: which lab they load, what they ask of it, and what a whole page is.

Importing this gives Locust the lab's options and its limits. No request leaves for a host off
loopback unless --i-own-this-host was given with it, nor for more than 500 users.
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
    """A load that must not begin. The message is one line that says why."""


class LabUser(FastHttpUser):
    """A user of the lab: asks for pages as a script does, never as a browser, and reads them."""

    abstract = True

    def __init__(self, environment):
        try:
            self.host = checked_host(self.host, environment.own_hosts)
        except LocustRefused as refused:
            raise StopTest(str(refused)) from None
        super().__init__(environment)
        options = environment.parsed_options
        experiments = options.catalogue["experiments"]
        start = random.randrange(len(experiments))
        self.tour = itertools.cycle(experiments[start:] + experiments[:start])
        self.knobs = knobs_of(vars(options))
        self.rows = int(options.movies or options.catalogue["knobs"]["movies"]["default"])

    def see(self, path, name, heading=None, rows=1, body="html"):
        """Fetch a page under this name and return it; it fails unless it is whole (see `flaw`)."""
        get = self.client.get(path, name=name, catch_response=True, allow_redirects=False)
        with get as response:
            if response.status_code and (problem := flaw(response, heading, rows, body)):
                response.failure(problem)
            return response.text or ""

    def see_variant(self, variant, name):
        """Fetch one variant of an experiment, with the knobs of this run."""
        body = variant.get("body", "html")
        rows = 1 if variant.get("differs") else self.rows  # a page may be the first of many
        return self.see(f"{variant['url']}?{urlencode(self.knobs)}", name, rows=rows, body=body)


def variants(experiment):
    """An experiment's slow and fast variant: the ends of its ladder; those for reference beside."""
    ladder = [variant for variant in experiment["variants"] if not variant.get("reference")]
    return ladder[0], ladder[-1]


def flaw(response, heading, rows, body="html"):
    """What is wrong with a page in one line, or None: a 200 may be an error or an empty page too.

    `heading` is the page's h1 as HTML, None where any will do; `rows` the least number of films,
    directors or list items on it. `body` says what it is if not "html": "json", an object with a
    list of the rows, or "lines", a text with a line for each of them.
    """
    page = response.text or ""
    found = HEADING.search(page)
    shown = found[1] if found else "a page without a heading"
    if response.status_code != 200:
        return f"status {response.status_code}: {shown}"
    if "total;dur=" not in response.headers.get("Server-Timing", ""):
        return f"no Server-Timing on: {shown}"
    if body == "html" and (not found or heading not in (None, shown)):
        return f"headed {shown!r}" + (f", not {heading!r}" if heading else "")
    count = rows_in(page, body)
    if count is None or count < rows:
        answer = shown if found else f"an answer of {body}"
        return f"{'no' if count is None else count} rows on a page of {rows}: {answer}"
    return None


def rows_in(page, body):
    """How many rows a page has; None if it is not what its `body` says."""
    if body == "html":
        return len(ROW.findall(page))
    if body == "lines":
        return None if page.lstrip().startswith("<") else len(page.splitlines())
    try:
        return max(len(part) for part in json.loads(page).values() if isinstance(part, list))
    except (ValueError, AttributeError):
        return None


def checked_host(host, own):
    """Return the base address to load, without a last slash.

    Raises LocustRefused if it is neither local nor `own`.
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
    if host not in own and not is_loopback(parts.hostname):
        raise LocustRefused(
            f"{host} is not on this machine. A load test of somebody's site is an attack on it: "
            "if it is yours, start again with it as --host and with --i-own-this-host"
        )
    return host


def is_loopback(name):
    """Whether a host's name or address can only be this machine."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_users(users):
    """Refuse none, and more users than a lab is for; None is Locust's own default."""
    if users is not None and users < 1:
        raise LocustRefused(f"{users} users ask for nothing: there must be 1 or more")
    if users is not None and users > MAX_USERS:
        raise LocustRefused(f"{users} users are too many: the ceiling is {MAX_USERS}")


def knobs_of(values):
    """The knobs that were turned, from a dict of texts or numbers."""
    return {name: values[name] for name in KNOBS if values.get(name) not in (None, "")}


def open_lab(host, knobs, only=None):
    """The catalogue of the lab at this host, of one experiment if `only` names it.

    `bodies` in it says by their addresses what all ladders' variants answer, not only that one's,
    and `differing` which of them may show fewer rows.
    LocustRefused if no lab answers, or if it does not accept the knobs.
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
        on_ladders = [variant for variant in variants if not variant.get("reference")]
        catalogue["bodies"] = {
            variant["url"]: variant.get("body", "html") for variant in on_ladders
        }
        catalogue["differing"] = [
            variant["url"] for variant in on_ladders if variant.get("differs")
        ]
        catalogue["knobs"]["movies"]["default"] + 0
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
    asked = f"{experiments[0]['url']}?{urlencode(knobs)}"  # the lab checks its knobs itself
    answer = client.get(asked, allow_redirects=False)
    if answer.status_code == 400:
        reason = LEAD.search(answer.text)
        raise LocustRefused(unescape(reason[1]) if reason else f"the lab refuses {asked}")
    return catalogue


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    """The lab's own options, and defaults that keep Locust itself on loopback."""
    parser.set_defaults(
        host="http://127.0.0.1:8000", web_host="127.0.0.1", master_bind_host="127.0.0.1"
    )
    parser.add_argument("--movies", env_var="LOCUST_MOVIES", help="rows on each page")
    parser.add_argument("--round-trip", env_var="LOCUST_ROUND_TRIP", help="simulated, ms per query")
    parser.add_argument("--cache", env_var="LOCUST_CACHE", help="which cache the experiments use")
    parser.add_argument(
        "--experiment", env_var="LOCUST_EXPERIMENT", help="only this one, by its slug"
    )
    parser.add_argument(
        "--i-own-this-host",
        action="store_true",
        include_in_web_ui=False,
        help="allow the --host given here although it is not on loopback",
    )


@events.init.add_listener
def guard(environment, web_ui, **_):
    """Check the target before any user is made, here and whenever the web interface starts."""
    options = environment.parsed_options
    # Taken from the command line now: what the web interface is sent must not make itself owner.
    environment.own_hosts = {(options.host or "").rstrip("/")} if options.i_own_this_host else set()
    if isinstance(environment.runner, WorkerRunner):
        return  # its master has asked the lab and sends the answer; its users check the host again

    def prepare(host, users, values):
        host = checked_host(host, environment.own_hosts)
        check_users(users)
        # Locust hands options on to its workers, so they need not fetch the catalogue.
        options.catalogue = open_lab(host, knobs_of(values), values.get("experiment"))
        environment.host = host

    try:
        if web_ui is None or options.autostart:
            prepare(environment.host, options.num_users, vars(options))
        else:
            checked_host(environment.host, environment.own_hosts)
            check_users(options.num_users)
    except LocustRefused as refused:
        print(f"locust: {refused}", file=sys.stderr)
        for worker in psutil.Process().children():  # forked by --processes, they'd wait for us
            worker.kill()
        sys.exit(2)

    if web_ui:

        @web_ui.app.before_request
        def check():
            if request.headers.get("Origin") not in (None, request.host_url.rstrip("/")):
                return "only this page's own forms start and stop a load", 403
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
