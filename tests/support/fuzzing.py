"""Hostile requests, drawn from a seed: all addresses and methods, odd heads and odd bodies.

They are bytes, since no client of HTTP would send them.
"""

import contextlib
import random
import socket

from django.urls import get_resolver
from django.urls.resolvers import URLResolver

SAMPLES = {
    "slug": ["n-plus-one", "what-to-cache", "ladder", "streaming-export", "no-such", "a", "-"],
    "name": ["slow", "fast", "site", "naive", "nothing", "throughput", "SLOW"],
    "trace_id": ["0123456789abcdef", "x", "a" * 16],
    "run_id": ["20260101-120000-io-bound-1", "x", "..", "compare"],
    "int": ["0", "1", "7", "999999999999999999999", "-1"],
}
METHODS = ["GET"] * 12 + ["HEAD", "POST", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
METHODS += ["TRACE", "CONNECT", "get", "GÉT", "X" * 30, "PRI"]
KNOBS = ["movies", "round_trip", "cache", "cold", "runs", "ms", "page", "q", "trace", "inspect"]
KNOBS += ["run", "next", "client", "variant", "side", "csrfmiddlewaretoken", "name", "ratio"]
ODD = ["", "0", "1", "3", "-1", "1e3", "nan", "inf", "٣", "½", "1_0", "%00", "%", "%zz", "%ff"]
ODD += ["%C3%28", "%F0%9F%92%A9", "'", '"', "<b>", "../", "..%2f..%2f", "9" * 400, "x" * 2000]
ODD += ["a" * 32, "locmem", "redis", "memcached", "[]", "{}", "null", "&", ";", "=", "+", "%0d%0a"]
HEADERS = {
    "Host": [
        "127.0.0.1",
        "evil.example",
        "",
        "127.0.0.1:x",
        "[::1",
        "a b",
        "127.0.0.1, b",
        "x" * 300,
    ],
    "Content-Type": ["text/plain; charset=rot13", "a/b; charset=utf-16", "multipart/form-data"]
    + ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded", ";", "x" * 500]
    + ["application/json", "a/b; x*=u''a; x*0*=u''b", "multipart/form-data; boundary=" + "b" * 300],
    "Cookie": [
        "sessionid=x",
        "csrftoken=",
        "=;=;",
        "a=b; " * 200,
        "perflab_sessionid=a:b:c",
        "\xff",
    ],
    "Accept-Encoding": ["gzip", "br", "*;q=x", "identity;q=0", "gzip;q=nan"],
    "Accept": ["text/html", "application/json", "*/*;q=é", ","],
    "If-None-Match": ["*", '"x"', "W/", '"' * 300],
    "If-Modified-Since": ["x", "Mon, 99 Foo 2026 25:61:61 GMT", "9" * 100],
    "Range": ["bytes=0-", "bytes=-1", "bytes=9-1", "x=1", "bytes=" + "0-," * 100],
    "Sec-Fetch-Site": ["same-origin", "cross-site", "x"],
    "Sec-Fetch-Dest": ["document", "iframe", "x"],
    "Sec-Fetch-Mode": ["navigate", "x"],
    "X-Forwarded-For": ["1.2.3.4", "x", ""],
    "X-Forwarded-Proto": ["https", "http", "x"],
    "Referer": ["http://evil.example/", "x", "http://[::1"],
    "Origin": ["null", "http://evil.example", "http://[", "x"],
    "Expect": ["100-continue", "x"],
    "Upgrade": ["websocket", "h2c"],
    "Connection": ["keep-alive", "upgrade", "x, y"],
    "X-HTTP-Method-Override": ["DELETE"],
    "Content-Length": ["-1", "x", "1, 2", "9" * 30],
    "Accept-Language": ["de", "*", "x" * 300],
    "X-CSRFToken": ["x", "a" * 64, "\xff"],
}
BODIES = [
    b"",
    b"x",
    b"name=Ada",
    b"name=%00&name=%ff",
    b"\xff\xfe",
    b"{}",
    b"[" * 2000,
    b"a=b&" * 1200,
]
BODIES += [
    b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n--b--\r\n',
    b"--b\r\n\r\n",
]
BODIES += [b"--b\r\nContent-Disposition: form-data; name*=u''a; name*0*=u''b\r\n\r\nx\r\n--b--\r\n"]
BODIES += [
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="../x"\r\n\r\nx\r\n--b--\r\n'
]


def addresses(patterns=None, before=""):
    """Yield every route of the site, such as "experiments/<slug:slug>/"."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, route)
        else:
            yield route


def fill(route, dice):
    """Return the path of a route with something in each of its places."""
    path, rest = "/", route
    while "<" in rest:
        text, _, rest = rest.partition("<")
        place, _, rest = rest.partition(">")
        kind, _, name = place.rpartition(":")
        samples = SAMPLES.get(name) or SAMPLES.get(kind) or ["1", "x", "n-plus-one"]
        path += text + (dice.choice(samples) if dice.random() < 0.9 else dice.choice(ODD))
    return path + rest


def request(routes, dice):
    """Return the bytes of one hostile request."""
    path = fill(dice.choice(routes), dice)
    if dice.random() < 0.1:
        path += dice.choice(["/", "//", "%2f", "..", "%00", ";x", "?", "#x", "\\", "é"])
    query = [
        f"{dice.choice(KNOBS)}={dice.choice(ODD)}" for _ in range(dice.choice([0, 0, 1, 1, 2, 4]))
    ]
    target = path + ("?" + "&".join(query) if query else "")
    headers = {"Host": "127.0.0.1"}
    for name in dice.sample(list(HEADERS), dice.choice([0, 1, 1, 2, 3, 6])):
        headers[name] = dice.choice(HEADERS[name])
    body = b""
    method = dice.choice(METHODS)
    if method in ("POST", "PUT", "PATCH") or dice.random() < 0.05:
        body = dice.choice(BODIES)
        headers.setdefault("Content-Type", dice.choice(HEADERS["Content-Type"]))
        headers.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {target} HTTP/1.{dice.choice('11110')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines).encode("utf-8" if dice.random() < 0.5 else "latin-1", "replace")
    found = head + b"\r\n\r\n" + body
    if dice.random() < 0.03:  # a byte of it is another
        place = dice.randrange(len(found))
        found = found[:place] + bytes([dice.randrange(256)]) + found[place + 1 :]
    return found


def send(port, data, seconds=30):
    """Send the bytes, read all that comes, and return the status; None where nothing came."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    status = next((line for line in lines if b" 100 " not in line[:13]), b"").split(b" ")
    return int(status[1]) if len(status) > 1 and status[1].isdigit() else None


def hostile_requests(count, seed):
    """Yield so many hostile requests, always the same for one seed."""
    dice = random.Random(seed)
    routes = sorted(addresses())
    for _ in range(count):
        yield request(routes, dice)
