"""Test in a real Chromium a load run that a page starts."""

import fcntl
import os
from dataclasses import replace
from datetime import UTC, datetime

from playwright.sync_api import expect

from perflab.load import store
from perflab.load.model import Progress
from tests.support.load_runs import WORKERS, run_of


def test_a_visitor_sees_how_far_a_run_is_and_then_its_curves(visitor, lab, settings):
    settings.VAR = lab.var
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%d-%H%M%S}-io-bound-{os.getpid()}"
    going = run_of(*WORKERS, id=run_id, state="running", pid=os.getpid(), date=now, duration_s=4)
    progress = Progress(
        number=2, of=4, phase="measured", seconds=2, requests_per_s=38.5, p95_ms=470
    )
    someone = visitor()

    with open(lab.var / "load.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        page = someone.open("/load/")
        message = page.locator("[data-out=progress]")
        expect(message).to_have_text("starting")
        expect(page.get_by_role("button", name="Start")).to_be_hidden()
        store.write(replace(going, progress=progress))
        expect(message).to_have_text("io-bound: point 2 of 4, 38.5 requests/s, p95 470 ms")
        expect(page.locator("[data-out=share]")).to_have_js_property("value", 0.375)
        store.write(replace(going, state="done"))

    page.wait_for_url(f"**/load/{run_id}/")
    expect(page.locator("svg.plot")).to_have_count(2)
    line = page.locator(".line.fast").first
    dark, light = (
        page.emulate_media(color_scheme=scheme)
        or line.evaluate("line => getComputedStyle(line).stroke")
        for scheme in ("dark", "light")
    )
    assert dark != light
    store.path_of(run_id).unlink()
