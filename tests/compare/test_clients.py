"""Test the clients, in process and over HTTP, and which addresses they refuse."""

import pytest

from perflab.compare import lab_pages
from perflab.compare.clients import InProcess, NoLab, OverHTTP, parse_url
from tests.support.measure_command import refusal
from tests.support.services import undisturbed

in_process = pytest.mark.django_db


# That it measures truly.


@pytest.mark.usefixtures("may_start_servers")
@in_process
@pytest.mark.parametrize("name", ["slow", "fast"])
def test_server_timing_agrees_with_a_clock_around_the_request(name):
    client = InProcess()
    variant = {"name": name, "url": f"/experiments/n-plus-one/{name}/"}
    lab_pages.fetch_variant(client, variant, {"movies": 20})

    def measure():
        """Return, in order, how many ms the two clocks are apart."""
        timings = [lab_pages.fetch_variant(client, variant, {"movies": 20})[0] for _ in range(15)]
        return sorted(timing["outside"] - timing["total"] for timing in timings)

    apart = undisturbed(measure, lambda found: found[7] < 1)

    assert apart[0] >= 0
    assert apart[7] < 1


@in_process
def test_a_measured_request_bears_no_toolbar_and_no_figures():
    answer = InProcess().get("/experiments/n-plus-one/slow/?movies=10")

    assert b"djDebug" not in answer.body
    assert b"<!-- perflab: figures -->" in answer.body
    assert "panel" not in answer.headers["server-timing"].lower()


# Over HTTP.


@pytest.mark.parametrize(
    "url",
    [
        *("", "8000", "127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"),
        *("http://127.0.0.1:8000/path", "http://127.0.0.1:8000?x=1", "http://me@127.0.0.1:8000"),
    ],
)
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(NoLab, match="must look like http://127.0.0.1:8000"):
        parse_url(url, own=True)


@pytest.mark.parametrize("host", ["192.0.2.7", "10.0.0.1", "lab.example", "127.0.0.1.example"])
def test_other_peoples_hosts_are_not_measured(host, monkeypatch):
    monkeypatch.setattr("http.client.HTTPConnection.connect", lambda *args: pytest.fail("connects"))

    line = refusal(2, f"--url=http://{host}:8000")

    assert f"http://{host}:8000 is not on this machine" in line
    assert "--i-own-this-host" in line
    assert OverHTTP(f"http://{host}:8000", own=True).url == f"http://{host}:8000"


@pytest.mark.parametrize("url", ["http://127.0.0.1", "http://localhost:8000", "http://[::1]:8000/"])
def test_this_machine_may_be_measured(url):
    assert OverHTTP(url).url == url.rstrip("/")
