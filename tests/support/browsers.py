"""Visitors with a real Chromium, for the tests of what a person sees.

Whatever page a test opens, a visitor's browser must not complain: no error on its console (where a
violation of the Content-Security-Policy is told too), and no request to anywhere but the lab.
"""

import os
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support import services
from tests.support.services import or_skip

SLOW = "/experiments/n-plus-one/slow/"
expect.set_options(timeout=60_000)  # on a busy machine too

ERRORS = {"/no/such/page/": 404, "/films/9999999/": 404, f"{SLOW}?movies=none": 400}


@pytest.fixture(scope="module")
def chromium(may_start_servers):
    """Debian's Chromium, or Google's Chrome.

    Not pytest-playwright's fixture: that keeps an event loop in this thread until all tests are
    over, with which Django refuses to query and asgiref to run anything.
    """
    path = or_skip(services.find, "chromium", "chromium-browser", "google-chrome")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(lab):
    """The lab that browsers visit."""
    return lab


class Visitor:
    """Somebody at a browser of their own; it notes its complaints and the answers that it got."""

    def __init__(self, browser, lab, **options):
        self.lab = lab
        self.complaints = []
        # Chromium looks for an icon here for an answer that is no page, such as /health/.
        self.expected = {f"{lab.url}/favicon.ico"}
        self.answers = []
        self.context = browser.new_context(base_url=lab.url, **options)
        self.context.set_default_timeout(60_000)
        self.context.on("console", self.hear)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.context.on("request", self.watch)
        self.context.on("response", lambda answer: self.answers.append(answer))
        self.page = self.context.new_page()

    def hear(self, message):
        if message.type in ("error", "warning") and message.location["url"] not in self.expected:
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def watch(self, request):
        if not request.url.startswith((self.lab.url + "/", "data:", "blob:")):
            self.complaints.append(f"a request to {request.url}")

    def open(self, path):
        """Go to a page of the lab."""
        status = ERRORS.get(path.replace("&inspect=0", ""), ERRORS.get(path.split("?")[0], 200))
        if status != 200:
            self.expected.add(self.lab.url + path)  # Chromium reports it as an error
        response = self.page.goto(path)
        assert response.status == status
        expect(self.page.locator("main h1")).to_have_count(1)
        return self.page


@contextmanager
def arrivals(browser, lab):
    """A function that makes a visitor; when the block ends, none may have had a complaint."""
    with ExitStack() as leaving:
        visitors = []

        def arrive(**options):
            visitors.append(Visitor(browser, lab, **options))
            leaving.callback(visitors[-1].context.close)
            return visitors[-1]

        yield arrive

        assert [complaint for one in visitors for complaint in one.complaints] == []


@pytest.fixture
def visitor(chromium, site):
    """A function that makes a visitor: `visitor(viewport=..., color_scheme=...)`."""
    with arrivals(chromium, site) as arrive:
        yield arrive
