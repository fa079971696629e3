"""Test what the scenarios count as a failure, and which hosts they refuse to load."""

import json
import re
import subprocess
import sys

import pytest

from tests.support.broken_lab import PAGES
from tests.support.labs import ROOT
from tests.support.locust_runs import run

WHOLE = {"whole", "whole-json", "whole-lines"}


@pytest.fixture(scope="module")
def broken_run(broken_lab, may_start_servers):
    """A short run of fast.py against the broken lab with every knob turned, and its requests."""
    knobs = ("--movies", "3", "--round-trip", "2.5", "--cache", "locmem")
    before = len(broken_lab.requests)
    fast = run("fast", "--host", broken_lab.url, "-u", "2", "-r", "2", "-t", "2s", *knobs)
    fast.requests = broken_lab.requests[before:]
    return fast


def test_a_page_that_is_not_whole_is_a_failure_whatever_its_status(broken_run):
    assert broken_run.status == 1
    assert broken_run.counts.keys() == PAGES.keys()
    assert broken_run.failed == {
        slug: n for slug, n in broken_run.counts.items() if slug not in WHOLE
    }
    for reason in (
        "2 rows on a page of 3: Films",
        "0 rows on a page of 3: Something broke in the lab",
        "the page has no heading",
        "no Server-Timing on: Films",
        "the same worker inspected a page meanwhile",
        "status 302",
        "status 500: Films",
        "2 rows on a page of 3: an answer of json",
        "no rows on a page of 3: Films",
        "2 rows on a page of 3: an answer of lines",
    ):
        assert reason in broken_run.log


def test_requests_carry_the_knobs_and_do_not_look_like_a_browsers(broken_run):
    pages = [request for request in broken_run.requests if "/fast/" in request[0]]

    assert len(pages) >= len(PAGES)
    for path, headers in pages:
        assert path.partition("?")[2] == "movies=3&round_trip=2.5&cache=locmem"
        assert not [name for name in headers if name.startswith("sec-") or name == "cookie"]
        assert "html" not in headers.get("accept", "")


@pytest.mark.parametrize(
    "files",
    [
        ["-f", "locustfiles/"],
        ["-f", "locustfiles"],
        ["-f", "locustfiles/slow.py,locustfiles/fast.py"],
        ["-f", "locustfiles/steps.py,locustfiles/spike.py"],
        ["-f", "locustfiles/soak.py,locustfiles/stampede.py", "--processes", "2"],
        ["-f", "locustfiles/", "--class-picker"],
    ],
    ids=" ".join,
)
def test_several_scenarios_at_once_are_refused_in_one_line(may_start_servers, files):
    done = subprocess.run(
        [sys.executable, "-m", "locust", *files, "--headless", "-t", "1s"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 2
    [line] = [line for line in done.stderr.splitlines() if line.startswith("locust: ")]
    assert "scenarios, and their figures would be mixed: name one of" in line
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("may_start_servers")
def test_steps_stop_at_failures(broken_lab):
    page = ("--experiment", "server-error", "--step-time", "1")

    stepped = run("steps", "--host", broken_lab.url, *page)

    line = stepped.log.splitlines()[-1]
    assert re.match(r"The lab is overloaded at 2 users .*100.0% failures", line)
    assert stepped.status == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--host", "http://192.0.2.1"], "http://192.0.2.1 is not on this machine"),
        (["--host", "http://192.0.2.1", "--processes", "2"], "is not on this machine"),
        (["--host", "http://127.0.0.1:1"], "no lab answers at http://127.0.0.1:1"),
        (["--users", "0"], "0 users ask for nothing: there must be 1 or more"),
        (["--users", "501"], "501 users are too many: the ceiling is 500"),
        (["--movies", "many"], "movies must be a whole number from 1 to 5,000, not 'many'."),
        (["--experiment", "n+1"], "there is no experiment 'n+1', only n-plus-one, "),
    ],
    ids=[
        "somebody's site",
        "and with workers",
        "a lab that is down",
        "nobody",
        "users",
        "knob",
        "slug",
    ],
)
def test_what_cannot_be_loaded_is_one_line_and_a_status(lab, options, reason):
    refused = run("slow", "--host", lab.url, "-t", "1s", *options)

    assert refused.status == 2
    assert [line for line in refused.log.splitlines() if line.startswith("locust: ")], refused.log
    assert reason in refused.log
    assert "Traceback" not in refused.log
    assert refused.rows == {}


@pytest.mark.usefixtures("may_start_servers")
def test_only_loopback_passes_for_this_machine():
    hosts = {
        "http://127.0.0.1:8000": True,
        "http://127.0.0.1:8000/": True,
        "https://127.9.9.9": True,
        "http://[::1]:8000": True,
        "http://LOCALHOST:8000": True,
        "http://localhost.example.com": False,
        "http://127.0.0.1.example.com": False,
        "http://127.0.0.1@example.com": False,
        "http://example.com\\@127.0.0.1": False,
        "http://example.com#127.0.0.1": False,
        "http://0.0.0.0:8000": False,
        "http://10.0.0.1": False,
        "http://127.0.0.1:8000/films/": False,
        "http://127.0.0.1:80000": False,
        "http://[::1": False,
        "http://": False,
        "127.0.0.1:8000": False,
        "file:///etc/passwd": False,
        "": False,
    }
    question = (
        "import json, sys; sys.path.insert(0, 'locustfiles'); import _lab as lab\n"
        "def passes(host):\n"
        "    try: return bool(lab.check_host(host, owned=set()))\n"
        "    except lab.LocustRefused: return False\n"
        "print(json.dumps({host: passes(host) for host in json.load(sys.stdin)}))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", question],
        cwd=ROOT,
        input=json.dumps(list(hosts)),
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(answer.stdout) == hosts


@pytest.mark.usefixtures("may_start_servers")
def test_a_host_of_ones_own_is_loaded_when_the_command_line_says_so(broken_lab):
    # Not a loopback address by name, yet it leads nowhere else.
    own = f"http://0.0.0.0:{broken_lab.server_port}"
    options = ("--host", own, "-t", "1s", "--experiment", "whole")

    before = len(broken_lab.requests)
    refused = run("fast", *options)
    asked = broken_lab.requests[before:]
    allowed = run("fast", *options, "--i-own-this-host")

    assert refused.status == 2
    assert asked == []
    assert allowed.status == 0, allowed.log
    assert allowed.counts["whole"] > 0
