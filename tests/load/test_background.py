"""Test a load run that a page starts."""

import json
import os
import re
import signal
import subprocess
import time

import psutil
import pytest

from perflab.load import background
from tests.support.services import wait_until

ORDER = {"scenario": "io-bound", "users": "4", "workers": "1,2", "seconds": "2", "threads": "1"}


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
        wait_until(under_way, "the run")
        run = json.loads(next((lab.var / "runs").glob("*.json")).read_text())
        process = psutil.Process(run["pid"])
        family = [process, *process.children(recursive=True)]
        assert ask()["run"]["url"] == f"/load/{run['id']}/"

        process.kill()

        wait_until(lambda: not ask()["busy"], "the lock")
        wait_until(
            lambda: not any(p.is_running() and p.status() != "zombie" for p in family),
            "the end",
            20,
        )
        assert "broken off" in lab.get(f"/load/{run['id']}/").text
        assert post("/load/stop/") == 409
        for begun in (True, False):  # a run can be stopped in the moment when it begins
            assert post("/load/start/", {**ORDER, "workers": "1", "seconds": "20"}) == 302
            if begun:
                wait_until(under_way, "another run")
            assert post("/load/stop/") == 302
            wait_until(lambda: not ask()["busy"], "its end")
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


@pytest.mark.usefixtures("may_start_servers")
def test_a_run_of_a_page_ends_with_the_lab(monkeypatch):
    sent = []
    monkeypatch.setattr(os, "kill", lambda *order: sent.append(order))
    gunicorn = subprocess.Popen(["sleep", "0.3"])  # which nobody waits for: a zombie is gone too

    began = time.monotonic()
    background.end_with(gunicorn.pid)

    assert time.monotonic() - began > 0.2
    assert sent == [(os.getpid(), signal.SIGTERM)]
    gunicorn.wait()
