"""Test the load pages: kept runs as curves, two compared, and who may start a run."""

import gzip
import json
from dataclasses import replace

import pytest
from django.test import Client

from perflab.load import background, store
from perflab.web.forms import LoadForm
from tests.support.load_runs import WORKERS, full_run, heights, run_of, spoiled_documents


@pytest.fixture
def keep(settings, tmp_path):
    """Return a function that keeps a run in a `var/` of this test's own, and returns its id."""
    settings.VAR = tmp_path

    def keep_run(run):
        store.write(run)
        return run.id

    return keep_run


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
    assert as_json.json()["points"] == [point.to_json() for point in WORKERS]
    assert svg["Content-Type"] == "image/svg+xml"
    assert len(heights(svg.content.decode(), "fast")) == 3


def test_two_runs_are_laid_over_each_other(client, keep):
    one = keep(run_of(*WORKERS))
    faster = [replace(p, requests_per_s=2 * p.requests_per_s) for p in WORKERS]
    two = keep(run_of(*faster, id="20260101-130000-io-bound-2"))

    page = client.get(f"/load/compare/?run={one}&run={two}").content.decode()

    assert page.count("+100 %") == 3
    assert page.count("<svg") == 2
    astray = f"?run={one}&run=../{store.folder().name}/{two}"
    assert client.get(f"/load/compare/{astray}").status_code == 404
    for query in ("", f"?run={one}", f"?run={one}&run={one}", f"?run={one}&run={two}&run={two}"):
        assert client.get(f"/load/compare/{query}").status_code == 400


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '"x"', '{"version": 1, "points": 7}']
    + ['{"version": 1, "points": [3, {}, {"requests": 5}], "pid": "x", "state": "running"}']
    + ['{"version": 2, "points": {}, "lab": [], "machine": 7, "alone": [], "knobs": "x"}']
    + ['{"version": 2, "points": [{"users": 1, "requests": 5, "requests_per_s": NaN}]}']
    + ['{"version": 2, "duration_s": 1e400, "date": 7, "warnings": "x", "verdict": []}']
    + ['{"version": 2, "duration_s": ' + "9" * 500 + "}", "[" * 100_000]
    + ['{"version": 2, "kind": "tuning", "switches": [{}, {"name": 7}], "rounds": "six"}'],
)
def test_whatever_lies_among_the_runs_breaks_no_page(client, keep, text):
    keep(run_of(*WORKERS))
    (store.folder() / "20260202-strange.json").write_text(text)

    assert client.get("/load/").status_code == 200
    assert client.get("/load/now.json").status_code == 200
    assert client.get("/load/20260202-strange/").status_code in (200, 404)
    assert client.get("/tuning/").status_code == 200


@pytest.mark.parametrize("documents", [20, pytest.param(150, marks=pytest.mark.exhaustive)])
def test_a_run_with_anything_wrong_in_it_breaks_no_page(client, keep, documents):
    other = keep(full_run())
    for document in spoiled_documents(documents):
        (store.folder() / "20260202-strange.json").write_text(json.dumps(document))

        for path in ("/load/", "/load/now.json", "/tuning/", "/load/20260202-strange/"):
            assert client.get(path).status_code == 200, document
        assert client.get("/load/20260202-strange.json").status_code == 200
        compared = client.get(f"/load/compare/?run=20260202-strange&run={other}")
        assert compared.status_code == 200, document


@pytest.mark.parametrize("kind", ["load", "classes", "tuning"])
def test_a_run_of_every_kind_has_its_page(client, keep, kind):
    run_id = keep(full_run(kind))

    page = client.get(f"/load/{run_id}/").content.decode()

    assert "<td>19.0</td>" in page
    assert "SQLite 3, cache locmem" in page
    assert "a processor, 2 cores" in page
    assert "One request alone keeps a worker for" in page
    assert ("The switches, one by one" in page) is (kind == "tuning")


@pytest.mark.parametrize(
    "path",
    ["nothing/", "nothing.json", "nothing/throughput.svg", "nothing/report/1/"]
    + ["{}/nothing.svg", "{}/report/1/", "..%2f..%2fsecret_key.json", ".hidden/"],
)
def test_what_is_not_kept_is_not_found(client, keep, path):
    name = keep(run_of(*WORKERS))
    (store.folder() / ".hidden.json").write_text(json.dumps(run_of().to_json()))

    assert client.get(f"/load/{path.format(name)}").status_code == 404


def test_locusts_report_is_shown_under_a_policy_of_its_own(client, keep):
    name = keep(run_of(*WORKERS))
    page = b"<html><script>report()</script></html>"
    store.report_path(name, 2).write_bytes(gzip.compress(page))

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


ORDER = {"scenario": "io-bound", "users": "4", "workers": "1,2", "seconds": "2", "threads": "1"}


# A run that a page starts. ---------------------------------------------------------------------


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
        ({"seconds": "21"}, "seconds must be a whole number from 2 to 20, not '21'"),
        ({"seconds": "20", "users": "1,2,3,4"}, "all points together take 160 s"),
        ({"variant": "slow"}, "io-bound has no variants"),
        ({"variant": "left"}, "variant: "),
    ],
)
def test_an_order_that_is_too_much_is_refused_in_one_line(client, keep, monkeypatch, change, words):
    monkeypatch.setattr(background, "start", lambda arguments: pytest.fail("it was started"))

    answer = client.post("/load/start/", ORDER | change)

    assert answer.status_code == 400
    assert words in answer.content.decode().replace("&#x27;", "'")
    assert answer.context["values"] == {"variant": ""} | ORDER | change  # nothing typed is lost


def test_an_order_asks_the_command_for_the_same(keep):
    form = LoadForm({**ORDER, "scenario": "n-plus-one", "variant": "both"})

    assert form.is_valid(), form.errors
    assert form.arguments() == [
        *("n-plus-one", "--users=4", "--workers=1,2", "--threads=1", "--duration=2s", "--both")
    ]


def test_only_a_post_from_the_labs_own_machine_starts_or_stops(client, keep, monkeypatch):
    started = []
    monkeypatch.setattr(background, "start", started.append)
    strict = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")

    for path in ("/load/start/", "/load/stop/"):
        assert client.get(path).status_code == 405
        assert strict.post(path, ORDER).status_code == 403
        assert client.post(path, ORDER, REMOTE_ADDR="10.0.0.9").status_code == 403
        assert client.post(path, ORDER, headers={"x-forwarded-for": "10.0.0.9"}).status_code == 403
    assert started == []
    assert (
        'action="/load/start/"' not in client.get("/load/", REMOTE_ADDR="10.0.0.9").content.decode()
    )
    assert client.post("/load/start/", ORDER).status_code == 302
    assert len(started) == 1
