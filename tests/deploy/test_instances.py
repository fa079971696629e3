"""Test several instances behind the real HAProxy and nginx: nobody notices that one ends."""

import contextlib
import http.client
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections import Counter

import psutil
import pytest

from tests.support import services
from tests.support.balancers import (
    BALANCERS,
    GUIDE,
    LIES,
    PAGE,
    ask,
    assert_closed,
    balancer,
    free_ports,
    running,
)
from tests.support.labs import Response
from tests.support.services import or_skip, temporary_folder, wait_until


class Fleet:
    """Three instances, where they are, and the doors to them: a port for each balancer."""

    def __init__(self, var, process, base):
        self.var = var
        self.process = process
        self.instances = [base + 100, base + 101, base + 102]
        self.doors = {"haproxy": base}

    def is_whole(self):
        """Whether each door leads to each instance."""
        assert self.process.poll() is None, (self.var / "honcho.log").read_text()[-4000:]
        with contextlib.suppress(OSError, http.client.HTTPException):
            everybody = {str(port) for port in self.instances}
            return all(
                {ask(door, PAGE).timing.get("instance") for _ in range(3)} == everybody
                for door in self.doors.values()
            )

    def gunicorn(self, port):
        """The process of an instance that starts its workers."""
        worker = int(ask(port, "/health/").timing["worker"])
        return psutil.Process(worker).parent()


@pytest.fixture(scope="module")
def fleet(seeded_database, redis_server):
    """What docs/deploy.md says to start, on other ports; nginx in front of the same instances."""
    or_skip(services.find, "haproxy", folders=("/usr/local/sbin", "/usr/sbin", "/sbin"))
    [line] = re.findall(r"honcho (start -p 8000 -c web=3,balancer=1)\n", GUIDE)
    base = free_ports(0, 100, 101, 102, 200)
    command = [sys.executable, "-m", "honcho", "-e", os.devnull]
    command += shlex.split(line.replace("8000", str(base)))
    folder = temporary_folder()
    environment = {
        "PERFLAB_VAR": str(folder),
        "DATABASE_URL": "",
        "REDIS_URL": redis_server.url,
        "FORWARDED_ALLOW_IPS": "",
        "WEB_CONCURRENCY": "1",
    }
    try:
        seeded_database.copy_to(folder / "perflab.sqlite3")
        with contextlib.ExitStack() as started:
            process = started.enter_context(
                running(command, folder / "honcho.log", BALANCER="haproxy", **environment)
            )
            fleet = Fleet(folder, process, base)
            door = started.enter_context(balancer("nginx", fleet.instances[0], folder))
            fleet.doors["nginx"] = door
            wait_until(fleet.is_whole, "three instances")
            yield fleet
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Load:
    """Under `with`: visitors who ask for pages at every door, all the time, and note what comes."""

    def __init__(self, fleet, visitors=2):
        self.fleet = fleet
        self.visitors = visitors
        self.stop = threading.Event()
        self.failures = []
        self.answers = Counter()  # by door and instance
        self.worker = {}  # who answered last, by door and instance

    def __enter__(self):
        self.threads = [
            threading.Thread(target=self.visit, args=door)
            for door in self.fleet.doors.items()
            for _ in range(self.visitors)
        ]
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.worker) == 6, "an answer from each instance at each door")
        return self

    def __exit__(self, *error):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def visit(self, door, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not self.stop.wait(0.04):
            try:
                connection.request("GET", PAGE)
                answer = Response(connection.getresponse())
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{door}: {error!r}")
                connection.close()
                continue
            if answer.status != 200 or "</html>" not in answer.text:
                self.failures.append(f"{door}: {answer.status} {answer.text[:200]}")
                continue
            where = (door, int(answer.timing["instance"]))
            self.worker[where] = answer.timing["worker"]
            self.answers[where] += 1
        connection.close()

    def replaces(self, port):
        """A function: whether each door has had an answer of another worker of this instance."""
        before = dict(self.worker)
        places = [(door, port) for door in self.fleet.doors]
        return lambda: all(self.worker[place] != before[place] for place in places)


def told_to_gunicorn(fleet, port, order):
    """Give an instance an order, with the command that docs/deploy.md tells."""
    [command] = re.findall(r"gunicornc (-s var/run/gunicorn-8100.sock -c) reload\n", GUIDE)
    assert f"`{order}`" in GUIDE
    command = command.replace("8100", str(port)).replace("var/", f"{fleet.var}/")
    subprocess.run(
        [sys.executable, "-m", "gunicorn.ctl.cli", *shlex.split(command), order],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("door", BALANCERS)
def test_requests_are_spread_over_all_instances(fleet, door):
    def shares():
        return Counter(ask(fleet.doors[door], PAGE).timing["instance"] for _ in range(15))

    # HAProxy may still be asking the last one whether it is well.
    wait_until(lambda: sorted(shares().values()) == [5, 5, 5], "an even share for each of three")


@pytest.mark.parametrize("door", BALANCERS)
def test_a_page_names_the_instance_that_made_it(fleet, door):
    page = ask(fleet.doors[door], PAGE, headers={"Accept": "text/html"})

    assert f"of instance {page.timing['instance']}<" in page.text


def test_the_command_of_the_guide_shows_which_instance_answered(fleet):
    curl = or_skip(services.find, "curl")
    [line] = re.findall(r"^curl (.+)$", GUIDE, re.MULTILINE)
    line = line.replace("8000", str(fleet.doors["haproxy"]))

    said = subprocess.run(["sh", "-c", f"{curl} {line}"], capture_output=True, text=True).stdout

    assert any(f'instance;desc="{port}"' in said for port in fleet.instances), said


def test_the_instances_share_one_cache(fleet):
    path = "/experiments/cache-page/fast/?movies=7"

    answers = [ask(fleet.doors["haproxy"], path) for _ in range(9)]

    assert len({answer.timing["instance"] for answer in answers}) == 3
    assert [answer.timing["queries"] > 0 for answer in answers] == [True] + [False] * 8


def test_nobody_notices_that_an_instance_is_killed(fleet):
    port = fleet.instances[1]
    master = fleet.gunicorn(port)
    with Load(fleet) as load:
        is_back = load.replaces(port)

        for process in [master, *master.children()]:
            process.kill()

        wait_until(is_back, "the killed instance to be back")
    # Its one worker may have sent a part of one answer: no balancer can ask again for that one, and
    # docs/deploy.md says that it is cut short.
    cut_short = [failure for failure in load.failures if "IncompleteRead" in failure]
    assert load.failures == cut_short
    assert len(cut_short) <= 1
    assert load.answers.total() > 100
    assert fleet.gunicorn(port) != master


def test_nobody_notices_a_reload_of_one_after_the_other(fleet):
    masters = [fleet.gunicorn(port) for port in fleet.instances]
    with Load(fleet) as load:
        for port in fleet.instances:
            is_done = load.replaces(port)
            told_to_gunicorn(fleet, port, "reload")
            wait_until(is_done, "reloading")

    assert not load.failures
    assert load.answers.total() > 100
    assert [fleet.gunicorn(port) for port in fleet.instances] == masters


def test_nobody_notices_that_one_after_the_other_is_stopped_and_started(fleet):
    masters = [fleet.gunicorn(port) for port in fleet.instances]
    with Load(fleet) as load:
        for port in fleet.instances:
            is_back = load.replaces(port)
            told_to_gunicorn(fleet, port, "shutdown")
            wait_until(is_back, "starting again")

    assert not load.failures
    assert load.answers.total() > 100
    assert not set(masters) & {fleet.gunicorn(port) for port in fleet.instances}


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_the_procfile_takes_nobody_for_local(fleet, lie):
    for port in (*fleet.doors.values(), fleet.instances[0]):
        assert_closed(port, lie)


def test_no_request_says_under_which_address_the_site_lies(fleet):
    for port in (*fleet.doors.values(), fleet.instances[0]):
        answer = ask(port, PAGE, headers={"SCRIPT_NAME": "/experiments"})

        assert answer.status == 200  # believed, it would leave an address that there is not


def test_only_the_balancers_machine_is_believed_about_https(start_lab):
    lab = start_lab(workers=1, PERFLAB_HTTPS="1", FORWARDED_ALLOW_IPS="")
    claim = {"X-Forwarded-Proto": "https"}

    assert ask(lab.port, PAGE).status == 301
    assert ask(lab.port, PAGE, headers=claim).status == 200
    assert ask(lab.port, PAGE, headers={"X-Forwarded-Ssl": "on"}).status == 301
    if sys.platform == "linux":  # elsewhere this machine has but one loopback address
        assert ask(lab.port, PAGE, headers=claim, source="127.0.0.2").status == 301
