"""A web site of somebody else, and the ways in which its pages ask for addresses of the lab.

None of the ways is a navigation of the whole page: those are a person's own.
"""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GET_WAYS = ("image", "script", "style", "frame", "object", "video", "fetch", "prefetch", "preload")
GET_WAYS += ("form",)
POST_WAYS = ("post", "post-text", "post-multipart", "fetch-post", "beacon")

# Asks for each address in its ways: three addresses at a time, each in all its ways at once. The
# name of the way goes into the query, so that the lab's log shows who asked.
SCRIPT = """
async ({asked, data}) => {
    const WAIT_MS = 60000;  // for an element that is never told how its request ended
    const done = (thing, ...more) => new Promise((over) => {
        const end = () => { thing.remove(); more.forEach((one) => one.remove()); over(); };
        thing.onload = thing.onerror = end;
        setTimeout(end, WAIT_MS);
    });
    const add = (kind, properties) => {
        const thing = Object.assign(document.createElement(kind), properties);
        const over = done(thing);
        document.body.append(thing);
        return over;
    };
    const link = (rel, href, as) => add("link", {rel, href, as});
    const send = (method, action, enctype, fields) => {
        const frame = document.createElement("iframe");
        const form = document.createElement("form");
        frame.name = `frame ${Math.random()}`;
        Object.assign(form, {method, action, enctype, target: frame.name});
        for (const [name, value] of fields) {
            const input = document.createElement("input");
            form.append(Object.assign(input, {type: "hidden", name, value}));
        }
        document.body.append(frame, form);
        const over = done(frame, form);
        form.submit();
        return over;
    };
    const fields = [...new URLSearchParams(data)];
    const ask = {
        image: (url) => add("img", {src: url}),
        script: (url) => add("script", {src: url}),
        style: (url) => link("stylesheet", url),
        frame: (url) => add("iframe", {src: url}),
        object: (url) => add("object", {data: url}),
        video: (url) => add("video", {src: url, preload: "auto"}),
        fetch: (url) => fetch(url, {mode: "no-cors", credentials: "include"}),
        prefetch: (url) => link("prefetch", url),
        preload: (url) => link("preload", url, "image"),
        form: (url) => send("get", url, "", new URL(url).searchParams),
        post: (url) => send("post", url, "application/x-www-form-urlencoded", fields),
        "post-text": (url) => send("post", url, "text/plain", fields),
        "post-multipart": (url) => send("post", url, "multipart/form-data", fields),
        "fetch-post": (url) => fetch(
            url,
            {method: "POST", mode: "no-cors", credentials: "include",
             body: new URLSearchParams(data)},
        ),
        beacon: (url) => navigator.sendBeacon(url, new URLSearchParams(data)),
    };
    const work = async () => {
        while (asked.length) {
            const [address, ways] = asked.pop();
            await Promise.allSettled(ways.map((way) => {
                const url = new URL(address);
                url.searchParams.set("way", way);
                return ask[way](url.href);
            }));
        }
    };
    await Promise.all([work(), work(), work()]);
}
"""


@contextmanager
def foreign_site():
    """Serve an empty page on a loopback port; yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>foreign</title><body>")

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def crawl(page, asked, data=""):
    """Have a page of the foreign site ask for addresses: pairs of an address and its ways.

    `data` is the form that is posted, urlencoded.
    """
    page.evaluate(SCRIPT, {"asked": asked, "data": data})
