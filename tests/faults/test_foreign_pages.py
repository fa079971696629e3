"""A page of another site cannot have the lab do its expensive work."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

SLOW = "/experiments/n-plus-one/slow/?movies=5"
PATHS = [SLOW, f"{SLOW}&trace=1", f"{SLOW}&inspect=1", "/", "/films/", "/cpu-bound/?ms=100"]
PATHS += ["/experiments/what-to-cache/site/?movies=5", "/traces/0123456789abcdef.json", "/load/"]


def ask(lab, path, site, destination, **more):
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": destination, **more}
    return lab.get(path, {"Accept": "text/html", **headers})


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
@pytest.mark.parametrize("destination", ["image", "iframe", "script", "empty", "frame", "embed"])
def test_what_another_site_embeds_is_refused(lab, site, destination):
    traces = lab.var / "traces"
    before = set(traces.glob("*")), set((lab.var / "toolbar").glob("*"))
    for path in PATHS:
        answer = ask(lab, path, site, destination)

        assert answer.status == 403, path
        assert "Another site asked for this page" in answer.text
        assert answer.headers["Content-Security-Policy"]
        assert answer.timing["queries"] == 0
        assert "X-Perflab-Trace" not in answer.headers
    assert (set(traces.glob("*")), set((lab.var / "toolbar").glob("*"))) == before


def test_a_page_that_is_fetched_in_advance_is_refused(lab):
    purpose = {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Mode": "navigate"}

    assert ask(lab, SLOW, "cross-site", "document", **purpose).status == 403
    assert ask(lab, SLOW, "same-origin", "document", **purpose).status == 200


@pytest.mark.parametrize(
    ("site", "destination"),
    [
        *(("same-origin", where) for where in ("iframe", "empty", "document", "image")),
        *(("none", where) for where in ("document", "empty")),
        ("cross-site", "document"),  # a link
    ],
)
def test_the_labs_own_pages_and_people_are_answered(lab, site, destination):
    assert ask(lab, SLOW, site, destination).status == 200


@pytest.fixture
def foreign(lab):
    """The address of another site, whose page embeds the lab's in every way."""
    address = f"{lab.url}/experiments/n-plus-one/slow/?movies=7"
    page = f"""<!doctype html><title>foreign</title>
        <img src="{address}&cold=img&trace=1"><iframe src="{address}&cold=frame"></iframe>
        <object data="{address}&cold=object"></object><embed src="{address}&cold=embed">
        <script src="{address}&cold=script"></script>
        <link rel="stylesheet" href="{address}&cold=style">
        <video src="{address}&cold=video"></video>
        <script>
            fetch("{address}&cold=fetch", {{mode: "no-cors"}}).catch(() => 0);
            navigator.sendBeacon("{address}&cold=beacon");
        </script>"""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])  # the same site, and another one
def test_a_real_browser_on_a_foreign_page_gets_nothing_made(lab, foreign, chromium, host):
    before = len(lab.log_text())
    page = chromium.new_page()
    with contextlib.closing(page):
        page.goto(f"http://{host}:{foreign}/", wait_until="networkidle")

    lines = [line for line in lab.log_text()[before:].splitlines() if "movies=7" in line]
    seen = {line.partition("cold=")[2].split("&")[0].split()[0]: line for line in lines}
    assert {"img", "frame", "script", "fetch"} <= seen.keys()
    for line in lines:
        assert " 403 " in line or " 405 " in line, line
