"""Test distance: the round trips of each variant, that they are waited for, and the same page."""

import os
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from math import ceil

import psutil
import pytest

from movies.distance.files import FILES, read
from movies.distance.site import Site
from movies.distance.wire import MAX_ROUND_TRIP_MS, Wire
from movies.experiments import distance
from movies.models import Movie
from tests.support.experiments import address
from tests.support.services import wait_until

VARIANTS = [variant.name for variant in distance.experiment.variants]
ROWS = 10  # of a page that fits into the first 14 kB


def page_of(client, variant, delay=0, connections=1):
    """The page of a variant."""
    knobs = {"movies": ROWS, "delay": delay, "connections": connections}
    answer = client.get(address("distance", variant, **knobs))
    assert answer.status_code == 200
    return answer.content.decode()


def counts(page):
    """The round trips, requests and connections that a page names."""
    patterns = (r"data-answer>(\d+) round trips", r"Requests: (\d+)\.", r"Connections: (\d+)\.")
    return tuple(int(re.search(pattern, page)[1]) for pattern in patterns)


@pytest.mark.django_db
def test_each_variant_waits_for_fewer_round_trips(client):
    n = len(FILES)

    trips = {variant: counts(page_of(client, variant)) for variant in VARIANTS}

    assert trips["connection-each"] == (2 * (n + 1), n + 1, n + 1)
    assert trips["keep-alive"] == (n + 2, n + 1, 1)
    assert trips["bundled"] == (5, 2, 1)  # the bundle needs three: 14 kB, 29 kB, the rest
    assert trips["compressed"] == (4, 2, 1)  # compressed, two
    assert trips["cached"] == (2, 1, 1)


@pytest.mark.django_db
def test_six_connections_share_the_files(client):
    n = len(FILES)

    assert counts(page_of(client, "connection-each", connections=6)) == (
        2 + 2 * ceil(n / 6),
        n + 1,
        n + 1,
    )
    # The first one brings a file while the others open; then all six bring one in each round trip.
    assert counts(page_of(client, "keep-alive", connections=6)) == (
        2 + 1 + ceil((n - 1) / 6),
        n + 1,
        6,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_page_takes_at_least_its_round_trips(client, variant):
    started = time.monotonic()

    trips, _, _ = counts(page_of(client, variant, delay=20, connections=6))

    assert time.monotonic() - started >= trips * 0.020 - 0.001


@pytest.mark.django_db
def test_all_variants_bring_the_same_films_and_the_same_scripts(client):
    pages = [page_of(client, variant) for variant in VARIANTS]

    assert len({page[page.index("Scripts:") :] for page in pages}) == 1
    scripts = sum(len(read(name)) for name in FILES)
    assert f"Scripts: {scripts} characters" in pages[0]
    titles = Movie.objects.order_by("id").values_list("title", flat=True)[:ROWS]
    assert [re.sub(r" \(.*", "", row) for row in re.findall("<dt>(.*?)</dt>", pages[0])] == [
        str(title) for title in titles
    ]


@pytest.mark.django_db
def test_the_page_says_that_the_distance_is_simulated(client):
    assert "Each takes 20 ms (<b>simulated</b>)." in page_of(client, "cached", delay=20)


@pytest.mark.django_db
def test_a_site_that_fails_is_reported(client, monkeypatch):
    def fail(self, request):
        raise OSError("no memory")

    monkeypatch.setattr(Site, "answer", fail)

    answer = client.get(address("distance", "cached", movies=1, delay=0))

    assert answer.status_code == 503
    assert "far site does not answer" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("part", [Site, Wire])
def test_a_port_that_cannot_be_had_is_reported(client, monkeypatch, part):
    async def fail(self):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(part, "__aenter__", fail)

    answer = client.get(address("distance", "cached", movies=1, delay=0))

    assert answer.status_code == 503
    assert "Too many open files" in answer.content.decode()


def test_no_choice_is_beyond_the_ceiling():
    delay, connections = distance.experiment.knobs

    assert max(delay.choices) <= MAX_ROUND_TRIP_MS
    assert max(connections.choices) == 6


def ports_of(pid):
    """The ports on which a worker listens, all of them on loopback."""
    found = psutil.Process(pid).net_connections("tcp")
    listening = {one.laddr for one in found if one.status == psutil.CONN_LISTEN}
    assert {address.ip for address in listening} == {"127.0.0.1"}
    return {address.port for address in listening}


@pytest.mark.parametrize("ending", ["answered", "worker killed", "lab stopped"])
def test_a_real_lab_keeps_no_port_and_no_process(start_lab, ending):
    """The page is asked for until its ports are seen, then all of it comes to its end."""
    lab = start_lab(workers=1)
    path = address("distance", "connection-each", movies=ROWS, delay=100, connections=1)

    def ask():
        with suppress(OSError, HTTPException):
            return lab.get(path, timeout=60).status

    with ThreadPoolExecutor(1) as pool:
        (worker,) = lab.worker_pids()
        before = ports_of(worker)  # the lab's own, and that of the archive's services
        answer = pool.submit(ask)
        wait_until(lambda: len(ports_of(worker) - before) == 2, "the site and the wire", 60)
        ports = ports_of(worker) - before
        family = psutil.Process(lab.process.pid).children(recursive=True)
        if ending == "worker killed":
            os.kill(worker, signal.SIGKILL)
        elif ending == "lab stopped":
            lab.process.terminate()
        status = answer.result()

    assert len(family) == 1  # a visit starts no process
    if ending == "answered":
        assert status == 200
        assert ports_of(worker) == before
    elif ending == "worker killed":
        assert status is None
    else:
        lab.process.wait(60)
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
