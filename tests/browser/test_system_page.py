"""Test in a real Chromium the live view of the machine and its control."""

import re

from playwright.sync_api import expect

from perflab.workers import control
from tests.support.workers import socket_of


def test_the_page_counts_on_while_somebody_looks_and_its_dial_turns(visitor, lab):
    page = visitor().open("/system/?inspect=0")
    rows = page.locator("[data-out=workers] tr")
    message = page.locator("[data-out=changed]")
    try:
        expect(page.locator("[data-out=charts] svg")).to_have_count(2)
        expect(page.locator("[data-out=cores] meter")).not_to_have_count(0)
        expect(page.locator("[data-out=rate]")).to_have_text(re.compile(r"^[\d.]+$"))
        expect(rows).to_have_count(2)

        page.get_by_role("button", name="One more").click()

        expect(message).to_have_text("2 workers, now 3.")
        expect(rows).to_have_count(3)
        expect(page.locator("[data-out=alert]")).to_be_hidden()
    finally:
        control.set_workers(socket_of(lab), 2)
    expect(rows).to_have_count(2)
