"""A page of another site asks for every address of the lab, in a real browser, and gets nothing.

No query runs, nothing is written, and nobody waits. tests/faults/test_foreign_pages.py says which
requests count as those of another site.
"""

import re
import time
from contextlib import closing
from itertools import cycle, islice
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from perflab.catalogue import registry
from tests.support.foreign_site import GET_WAYS, POST_WAYS, crawl, foreign_site
from tests.support.fuzzing import addresses
from tests.support.services import wait_until

FULLY = "what-to-cache"  # the experiment whose addresses are asked for in several ways
MS = 9000  # that a calibrated page would take
QUERIES = {"io-bound/": f"?ms={MS}", "cpu-bound/": f"?ms={MS}", "films/": "?q=the"}
PLACES = {"<int:pk>": "1", "<int:number>": "1", "<int:statement>": "1", "<slug:number>": "1"}
PLACES |= {"<slug:name>": "before", "<slug:trace_id>": "0123456789abcdef"}
PLACES |= {"<slug:run_id>": "20260101-120000-io-bound-1"}
FORM = "movies=5&ratio=3&low=2&high=4&scenario=io-bound&users=1&workers=1&action=add&films=3000"
WRITES, NONE = r"/(flush|result|story|change|burst)/$", "$^"  # patterns of paths
LINE = re.compile(r'"[A-Z]+ (\S*[?&]way=([-a-z]+)\S*) HTTP/1.1" (\d+) \S+ bytes (\S+) ms')


class Line(NamedTuple):
    """A request of the crawl, as the lab's log has it. All are texts."""

    address: str
    way: str
    status: str
    ms: str


def paths_of(slug):
    """Return a path for each address of the lab; of its experiments this one's alone."""
    found = []
    for route in addresses():
        path = route.replace("<slug:slug>", slug)
        for place, value in PLACES.items():
            path = path.replace(place, value)
        if "<variant:name>" not in path:
            assert "<" not in path, f"{route}: name a value for it in PLACES"
            found.append(f"/{path}{QUERIES.get(route, '')}")
    start = f"/experiments/{slug}/"
    variants = registry.get(slug).variants
    return found + [f"{start}{one.name}/?movies=500&trace=1&cold=x" for one in variants]


def ask_for_all(url, ways, each, of_others):
    """Return pairs of an address and ways: `each` ways for those of one experiment, one for others.

    The ways are taken in turn. `of_others` is a pattern: the paths of the other experiments that it
    matches are asked for.
    """
    turn = cycle(ways)
    chosen = paths_of(FULLY)
    slugs = [one.slug for one in registry.runnable() if one.slug != FULLY]
    others = sorted({path for slug in slugs for path in paths_of(slug)} - set(chosen))
    others = [path for path in others if re.search(of_others, path)]
    asked = [(url + path, list(islice(turn, min(each, len(ways))))) for path in chosen]
    return asked + [(url + path, [next(turn)]) for path in others]


def what_is_kept(lab):
    """Return the files below var/ with their size and time of change.

    The log is the test's own, and the scoreboard is where the workers count all requests.
    """
    files = [path for path in lab.var.rglob("*") if path.is_file() and path != lab.log]
    files = [path for path in files if not path.name.startswith("scoreboard-")]
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def read_lines(lab, start):
    """Return the lines that a crawl has left in the log, from a place in it on."""
    return [Line(*found) for found in LINE.findall(lab.log_text()[start:])]


def wait_until_warm(lab, server):
    """Wait until the workers' first queries are over, and return the length of the lab's log."""

    def rests():
        before = server.log.stat().st_size
        time.sleep(1)
        return server.log.stat().st_size == before

    wait_until(rests, "warming up")
    return len(lab.log_text())


# To a browser localhost is another site. 127.0.0.1 is the lab's own, by its port another origin: it
# sends the lab's cookies. The experiments are alike to it, so one will do there.
@pytest.mark.parametrize(
    ("host", "each", "others"),
    [
        pytest.param("localhost", 2, ("", WRITES), id="another-site"),
        pytest.param("127.0.0.1", 3, (NONE, NONE), id="another-port", marks=pytest.mark.exhaustive),
        pytest.param("localhost", 99, (NONE, NONE), id="all", marks=pytest.mark.exhaustive),
        pytest.param("127.0.0.1", 99, (NONE, NONE), id="all-port", marks=pytest.mark.exhaustive),
    ],
)
def test_a_foreign_page_gets_nothing_made_by_any_address(
    start_lab, own_postgresql, chromium, host, each, others
):
    lab = start_lab(workers=2, PERFLAB_TOOLBAR="1", DATABASE_URL=own_postgresql.url)
    asked = ask_for_all(lab.url, GET_WAYS, each, others[0])
    asked += ask_for_all(lab.url, POST_WAYS, each, others[1])
    context = chromium.new_context()
    with closing(context), foreign_site() as port:
        page = context.new_page()
        page.set_default_timeout(0)
        page.goto(f"{lab.url}/forms/protected/")  # this browser knows the lab, and has its cookies
        assert context.cookies()
        page.goto(f"http://{host}:{port}/")
        start = wait_until_warm(lab, own_postgresql)
        kept, statements = what_is_kept(lab), own_postgresql.log.read_text()

        crawl(page, asked, FORM)

        count = sum(len(ways) for _, ways in asked)
        wait_until(lambda: len(read_lines(lab, start)) >= count, "the crawl")
    lines = read_lines(lab, start)
    expected = {(urlsplit(address).path, way) for address, ways in asked for way in ways}
    assert {(urlsplit(line.address).path, line.way) for line in lines} == expected
    assert [line for line in lines if line.status != "403"] == []
    waits = [float(line.ms) for line in lines if "-bound/" in line.address]
    assert len(waits) >= 8
    assert median(waits) < MS / 3  # no worker was held
    assert what_is_kept(lab) == kept
    assert own_postgresql.log.read_text() == statements
    assert "Traceback" not in lab.log_text()[start:]
