"""The load pages: kept runs as curves, two over each other, and a run that a page starts."""

import fcntl
import gzip
import json
import os
import re
import signal
import subprocess
import time
from datetime import UTC, datetime
from xml.etree import ElementTree

import psutil
import pytest
from django.test import Client
from playwright.sync_api import expect

from perflab.load import background, curves, store, svg
from perflab.load import run as runs
from perflab.web.forms import LoadForm
from tests.services import wait_until

SVG = "{http://www.w3.org/2000/svg}"


def point(per_s, **options):
    """A point with 50 ms to a request and a theory of 20/s for each worker."""
    rest = {"variant": None, "workers": 1, "threads": 1, "worker_class": "sync", "users": 8}
    rest |= {"requests": 100, "failures": 0, "requests_per_s": per_s, "p50_ms": 50, "p95_ms": 60}
    rest |= {"p99_ms": 70, "expected_per_s": 20 * options.get("workers", 1), **options}
    return rest


def run_of(*points, name="20260101-120000-io-bound-1", **options):
    """A run as `manage.py load` keeps it."""
    return {
        "version": 1,
        "id": name,
        "date": "2026-01-01T12:00:00+00:00",
        "state": "done",
        "command": "manage.py load io-bound --workers 1,2,4",
        "scenario": "io-bound",
        "points": list(points),
        "verdict": "I/O-bound: throughput still rises at 4 workers.",
        **options,
    }


WORKERS = [point(19, workers=1), point(39, workers=2), point(77, workers=4)]


@pytest.fixture
def keep(settings, tmp_path):
    """A function that keeps a run in a `var/` of this test's own."""
    settings.VAR = tmp_path

    def save(run):
        runs.save(run)
        return run["id"]

    return save


def heights(svg, css):
    """The y of each mark of a line in a drawing."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}circle")
    return [float(mark.get("cy")) for mark in found if mark.get("class") == f"dot {css}"]


# Drawings. -------------------------------------------------------------------------------------


def test_a_line_stands_where_its_numbers_are():
    drawn = svg.lines("t", "users", "ms", [svg.Series("a", ((1, 0), (2, 50), (4, 100)))])

    low, middle, high = heights(drawn, "fast")
    assert middle == pytest.approx((low + high) / 2)
    assert high < low
    assert low - high == 300  # from zero to the top


def test_a_gap_is_no_line_and_no_mark():
    series = svg.Series("a", ((0, 1), (1, None), (2, 3), (3, 2)))

    drawing = svg.over_time("t", [svg.Panel("ms", (series,))])

    (line,) = ElementTree.fromstring(drawing).iter(f"{SVG}path")
    assert re.sub("[^ML]", "", line.get("d")) == "MML"
    assert len(heights(drawing, "fast")) == 3


@pytest.mark.parametrize(
    ("top", "marks"),
    [(0, [0, 0.25, 0.5, 0.75, 1]), (100, [0, 25, 50, 75, 100]), (0.3, [0, 0.1, 0.2, 0.3])],
)
def test_an_axis_has_round_numbers(top, marks):
    assert svg.ticks(top) == pytest.approx(marks)


def test_a_drawing_obeys_the_pages_policy_and_names_are_text():
    drawing = svg.lines("<b>", "x", "y", [svg.Series("<i>", ((1, 1),)), svg.Series("b", ())])

    ElementTree.fromstring(drawing)
    assert not re.search(r"style=|<style|<script|<[bi]>", drawing)


# Curves. ---------------------------------------------------------------------------------------


def test_throughput_is_drawn_against_workers_beside_what_theory_expects():
    drawn = curves.charts(run_of(*WORKERS))

    assert set(drawn) == {"throughput", "latency"}
    assert len(heights(drawn["throughput"], "fast")) == 3
    assert 'stroke-dasharray="6 5"' in drawn["throughput"]
    assert "in theory" in drawn["throughput"]
    assert ">workers</text>" in drawn["throughput"]


def test_each_variant_has_its_line_against_users():
    points = [
        point(n * u, variant=variant, users=u)
        for variant, n in (("slow", 1), ("fast", 4))
        for u in (4, 1, 2)
    ]

    drawn = curves.charts(run_of(*points))

    assert heights(drawn["throughput"], "slow") == sorted(
        heights(drawn["throughput"], "slow"), reverse=True
    )
    assert min(heights(drawn["throughput"], "fast")) < min(heights(drawn["throughput"], "slow"))


def test_a_point_that_was_broken_off_is_not_drawn_nor_a_comparison_of_settings():
    broken = run_of(*WORKERS[:2], point(3, workers=4, partial=True))

    assert len(heights(curves.charts(broken)["throughput"], "fast")) == 2
    assert curves.charts(run_of(*WORKERS, kind="classes")) == {}
    assert curves.charts(run_of(WORKERS[0])) == {}


def test_two_runs_differ_where_they_have_the_same_point():
    faster = [point(38, workers=1, p95_ms=30), point(99, workers=8)]

    (found,) = curves.differences(run_of(*WORKERS), run_of(*faster))

    assert found["point"]["workers"] == 1
    throughput, p50, p95 = found["figures"]
    assert throughput == {"before": 19, "after": 38, "percent": 100}
    assert (p50["percent"], p95["percent"]) == (0, -50)
    assert curves.both_charts(run_of(*WORKERS), run_of(point(1, users=1), point(2, users=2))) == {}


def test_every_line_of_two_runs_can_be_told_from_the_others():
    by_variant = [
        point(n * w, variant=variant, workers=w, users=u)
        for variant, n in (("slow", 1), ("fast", 4))
        for w in (1, 2, 4)
        for u in (4, 8)
    ]

    for one, other, count in (
        (WORKERS, by_variant, 5),
        (by_variant, WORKERS, 5),
        (by_variant, by_variant, 8),
    ):
        drawn = curves.both_charts(run_of(*one), run_of(*other))["throughput"]
        lines = list(ElementTree.fromstring(drawn).iter(f"{SVG}path"))
        looks = {(line.get("stroke"), line.get("stroke-dasharray")) for line in lines}
        assert len(looks) == len(lines) == count


def test_the_first_point_stands_at_the_left_edge():
    drawn = curves.charts(run_of(point(19, workers=1), point(38, workers=2)))["throughput"]

    marks = [float(m.get("cx")) for m in ElementTree.fromstring(drawn).iter(f"{SVG}circle")]
    assert svg.LEFT < marks[0] < svg.LEFT + 30
    assert svg.WIDTH - svg.RIGHT - 30 < marks[1] < svg.WIDTH - svg.RIGHT


def test_a_scaler_is_drawn_over_one_time_axis():
    series = [
        {"t_s": t, "load": t, "workers": 1 + t // 5, "requests_per_s": 20 * t, "p95_ms": ms}
        for t, ms in ((0, None), (5, 250), (10, 120))
    ]
    run = run_of(kind="autoscale", series=series, limits={"target_p95_ms": 200})

    drawn = curves.charts(run)["time"]

    named = [node.text for node in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert {"workers", "p95, ms", "seconds", "wanted"} <= set(named)
    assert "users" not in named  # which it does not know


# Pages. ----------------------------------------------------------------------------------------


def test_a_run_is_shown_with_its_curves_points_command_and_files(client, keep):
    name = keep(run_of(*WORKERS))

    index = client.get("/load/").content.decode()
    page = client.get(f"/load/{name}/").content.decode()
    as_json = client.get(f"/load/{name}.json")
    svg = client.get(f"/load/{name}/throughput.svg")

    assert f'href="/load/{name}/"' in index
    assert page.count("<svg") == 2
    assert "style=" not in page
    assert ".venv/bin/python manage.py load io-bound --workers 1,2,4\n" in page
    assert as_json.json()["points"] == WORKERS
    assert svg["Content-Type"] == "image/svg+xml"
    assert len(heights(svg.content.decode(), "fast")) == 3


def test_two_runs_are_laid_over_each_other(client, keep):
    one = keep(run_of(*WORKERS))
    two = keep(run_of(*[{**p, "requests_per_s": 2 * p["requests_per_s"]} for p in WORKERS],
                      name="20260101-130000-io-bound-2"))  # fmt: skip

    page = client.get(f"/load/compare/?run={one}&run={two}").content.decode()

    assert page.count("+100 %") == 3
    assert page.count("<svg") == 2
    astray = f"?run={one}&run=../{runs.folder().name}/{two}"
    assert client.get(f"/load/compare/{astray}").status_code == 404
    for query in ("", f"?run={one}", f"?run={one}&run={one}", f"?run={one}&run={two}&run={two}"):
        assert client.get(f"/load/compare/{query}").status_code == 400


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '"x"', '{"version": 1, "points": 7}']
    + ['{"version": 1, "points": [3, {}, {"requests": 5}], "pid": "x", "state": "running"}'],
)
def test_whatever_lies_among_the_runs_breaks_no_page(client, keep, text):
    keep(run_of(*WORKERS))
    (runs.folder() / "20260202-strange.json").write_text(text)

    assert client.get("/load/").status_code == 200
    assert client.get("/load/now.json").status_code == 200
    assert client.get("/load/20260202-strange/").status_code in (200, 404)


@pytest.mark.parametrize(
    "path",
    ["nothing/", "nothing.json", "nothing/throughput.svg", "nothing/report/1/"]
    + ["{}/nothing.svg", "{}/report/1/", "..%2f..%2fsecret_key.json", ".hidden/"],
)
def test_what_is_not_kept_is_not_found(client, keep, path):
    name = keep(run_of(*WORKERS))
    (runs.folder() / ".hidden.json").write_text(json.dumps(run_of()))

    assert client.get(f"/load/{path.format(name)}").status_code == 404


def test_locusts_report_is_shown_under_a_policy_of_its_own(client, keep):
    name = keep(run_of(*WORKERS))
    page = b"<html><script>report()</script></html>"
    runs.report_of(name, 2).write_bytes(gzip.compress(page))

    plain = client.get(f"/load/{name}/report/2/")
    packed = client.get(f"/load/{name}/report/2/", headers={"accept-encoding": "gzip"})

    assert plain.content == page
    assert gzip.decompress(packed.content) == page
    policy = plain["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy
    assert "default-src 'none'" in policy
    assert client.get(f"/load/{name}/").content.decode().count("/report/") == 1


def test_a_run_whose_process_is_gone_does_not_go_on(keep):
    now = datetime.now(UTC).isoformat(timespec="seconds")
    mine = run_of(state="running", pid=os.getpid(), date=now)

    assert store.is_running(mine)
    assert not store.is_running(
        {**mine, "date": "2020-01-01T00:00:00+00:00"}
    )  # the pid is another's
    assert not store.is_running({**mine, "pid": 2**22 + 1})
    assert store.state_of({**mine, "pid": 2**22 + 1}) == "broken off"


# A run that a page starts. ---------------------------------------------------------------------

ORDER = {"scenario": "io-bound", "users": "4", "workers": "1,2", "seconds": "2", "threads": "1"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scenario": "nonsense"}, "there is no scenario"),
        ({"scenario": "--host=http://example.org"}, "there is no scenario"),
        ({"scenario": ""}, "scenario: "),
        ({"users": "0"}, "users must be whole numbers from 1 to 100"),
        ({"users": "101"}, "users must be whole numbers from 1 to 100"),
        ({"workers": "1;2"}, "workers must be whole numbers"),
        ({"workers": "10000"}, "workers must be whole numbers"),
        ({"threads": "x"}, "threads must be whole numbers"),
        ({"seconds": "21"}, "seconds: "),
        ({"seconds": "20", "users": "1,2,3,4"}, "160 s in all are too long"),
        ({"variant": "slow"}, "io-bound has no variants"),
        ({"variant": "left"}, "variant: "),
    ],
)
def test_an_order_that_is_too_much_is_refused_in_one_line(client, keep, monkeypatch, change, words):
    monkeypatch.setattr(background, "start", lambda arguments: pytest.fail("it was begun"))

    answer = client.post("/load/start/", ORDER | change)

    assert answer.status_code == 400
    assert words in answer.content.decode().replace("&#x27;", "'")
    assert answer.context["asked"] == {"variant": ""} | ORDER | change  # nothing typed is lost


def test_an_order_asks_the_command_for_the_same(keep):
    form = LoadForm({**ORDER, "scenario": "n-plus-one", "variant": "both"})

    assert form.is_valid(), form.errors
    assert form.arguments() == [
        *("n-plus-one", "--users=4", "--workers=1,2", "--threads=1", "--duration=2s", "--both")
    ]


def test_only_a_post_from_the_labs_own_machine_starts_or_stops(client, keep, monkeypatch):
    begun = []
    monkeypatch.setattr(background, "start", begun.append)
    strict = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")

    for path in ("/load/start/", "/load/stop/"):
        assert client.get(path).status_code == 405
        assert strict.post(path, ORDER).status_code == 403
        assert client.post(path, ORDER, REMOTE_ADDR="10.0.0.9").status_code == 403
        assert client.post(path, ORDER, headers={"x-forwarded-for": "10.0.0.9"}).status_code == 403
    assert begun == []
    assert (
        'action="/load/start/"' not in client.get("/load/", REMOTE_ADDR="10.0.0.9").content.decode()
    )
    assert client.post("/load/start/", ORDER).status_code == 302
    assert len(begun) == 1


def test_a_run_of_a_page_is_alone_tells_how_far_it_is_and_frees_the_lock_however_it_ends(lab):
    def ask():
        return json.loads(lab.get("/load/now.json").text)

    def post(path, order=None):
        page = lab.get("/load/")
        cookie = page.headers["Set-Cookie"].split(";")[0]
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
        body = "&".join(
            f"{n}={v}" for n, v in {"csrfmiddlewaretoken": token, **(order or {})}.items()
        )
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        return lab.request("POST", path, headers, body).status

    def under_way():
        return (ask()["run"] or {}).get("phase") is not None

    family = []
    try:
        assert post("/load/start/", {**ORDER, "workers": "1"}) == 302
        assert ask()["busy"]
        assert post("/load/start/", ORDER) == 409
        wait_until(under_way, "the run", 60)
        run = json.loads(next((lab.var / "runs").glob("*.json")).read_text())
        process = psutil.Process(run["pid"])
        family = [process, *process.children(recursive=True)]
        assert ask()["run"]["url"] == f"/load/{run['id']}/"

        process.kill()

        wait_until(lambda: not ask()["busy"], "the lock", 20)
        wait_until(
            lambda: not any(p.is_running() and p.status() != "zombie" for p in family),
            "the end",
            20,
        )
        assert "broken off" in lab.get(f"/load/{run['id']}/").text
        assert post("/load/stop/") == 409
        assert post("/load/start/", {**ORDER, "workers": "1", "seconds": "20"}) == 302
        wait_until(under_way, "another run", 60)
        assert post("/load/stop/") == 302
        wait_until(lambda: not ask()["busy"], "its end", 15)
    finally:
        for one in family:
            if one.is_running():
                one.kill()
        deadline = time.monotonic() + 10
        while ask()["busy"] and time.monotonic() < deadline:
            post("/load/stop/")
            time.sleep(0.5)
        for path in (lab.var / "runs").glob("*"):
            path.unlink()


def test_a_run_of_a_page_ends_with_the_lab(monkeypatch):
    sent = []
    monkeypatch.setattr(os, "kill", lambda *order: sent.append(order))
    monkeypatch.setattr(background, "LOOK_S", 0.02)
    gunicorn = subprocess.Popen(["sleep", "0.3"])  # which nobody waits for: a zombie is gone too

    began = time.monotonic()
    background.end_with(gunicorn.pid)

    assert time.monotonic() - began > 0.2
    assert sent == [(os.getpid(), signal.SIGTERM)]
    gunicorn.wait()


def test_a_visitor_sees_how_far_a_run_is_and_then_its_curves(visitor, lab, settings):
    settings.VAR = lab.var
    now = datetime.now(UTC).isoformat(timespec="seconds")
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-io-bound-{os.getpid()}"
    going = run_of(*WORKERS, name=name, state="running", pid=os.getpid(), date=now, duration_s=4)
    place = {"number": 2, "of": 4, "phase": "measured", "seconds": 2, "requests_per_s": 38.5}
    someone = visitor()

    with open(lab.var / "load.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        page = someone.open("/load/")
        told = page.locator("[data-out=told]")
        expect(told).to_have_text("starting")
        expect(page.get_by_role("button", name="Start")).to_be_hidden()
        runs.save({**going, "now": {**place, "p95_ms": 470}})
        expect(told).to_have_text("io-bound: point 2 of 4, 38.5 requests/s, p95 470 ms")
        expect(page.locator("[data-out=share]")).to_have_js_property("value", 0.375)
        runs.save({**going, "state": "done"})

    page.wait_for_url(f"**/load/{name}/")
    expect(page.locator("svg.plot")).to_have_count(2)
    line = page.locator(".line.fast").first
    dark, light = (
        page.emulate_media(color_scheme=scheme)
        or line.evaluate("line => getComputedStyle(line).stroke")
        for scheme in ("dark", "light")
    )
    assert dark != light
    runs.path_of(going).unlink()
