"""Serve a lab of whose pages only one is whole."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

MEASURED = {"Server-Timing": "total;dur=1.5"}
PAGES = {  # slug: status, headers, body of a page on which three rows are due
    "whole": (200, {"Server-Timing": "total;dur=1.5"}, "<h1>Films</h1>" + 3 * "<li>A film</li>"),
    "one-row-short": (200, {"Server-Timing": "total;dur=1.5"}, "<h1>Films</h1>" + 2 * "<li>A</li>"),
    "error-page": (200, {"Server-Timing": "total;dur=1.5"}, "<h1>Something broke in the lab</h1>"),
    "empty": (200, {"Server-Timing": "total;dur=1.5"}, ""),
    "unmeasured": (200, {}, "<h1>Films</h1>" + 3 * "<li>A film</li>"),
    "inspected": (
        200,
        {"Server-Timing": 'total;dur=1.5, inspected;desc="1"'},
        "<h1>Films</h1>" + 3 * "<li>A film</li>",
    ),
    "elsewhere": (302, {"Location": "/experiments/whole/fast/"}, ""),
    "server-error": (500, {"Server-Timing": "total;dur=1.5"}, "<h1>Films</h1>" + 3 * "<li>A</li>"),
    "whole-json": (200, MEASURED, '{"movies": [{"id": 1}, {"id": 2}, {"id": 3}]}'),
    "short-json": (200, MEASURED, '{"movies": [{"id": 1}, {"id": 2}], "title": "Films"}'),
    "page-for-json": (200, MEASURED, "<h1>Films</h1>" + 3 * "<li>A film</li>"),
    "whole-lines": (200, MEASURED, "A\nB\nC\n"),
    "short-lines": (200, MEASURED, "A\nB\n"),
    "page-for-lines": (200, MEASURED, "<h1>Films</h1>\n<p>\nThree\nfilms.\n</p>"),
}


class BrokenLab(BaseHTTPRequestHandler):
    """Has a right catalogue and the pages above."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        slug = self.path.split("?")[0].strip("/").split("/")[1:2]
        if self.path == "/experiments.json":
            status, headers, body = 200, {}, json.dumps(self.catalogue())
        else:
            status, headers, body = PAGES[slug[0]]
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def catalogue(self):
        def variants(slug):
            kind = slug.rpartition("-")[2]
            body = {"body": kind} if kind in ("json", "lines") else {}
            return [
                {"name": name, "url": f"/experiments/{slug}/{name}/", **body}
                for name in ("slow", "fast")
            ]

        experiments = [
            {"slug": s, "url": f"/experiments/{s}/", "variants": variants(s)} for s in PAGES
        ]
        return {"knobs": {"movies": {"default": 3}}, "experiments": experiments}

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def broken_lab():
    server = ThreadingHTTPServer(("127.0.0.1", 0), BrokenLab)
    server.requests = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
