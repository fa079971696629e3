"""Hostile requests, drawn from a seed: all addresses and methods, odd heads and odd bodies.

They are bytes, since no client of HTTP would send them. `DISTORTIONS` holds the kinds of what no
client should send; the rest is drawn from lists of odd words.
"""

import contextlib
import gzip
import random
import re
import socket
from dataclasses import dataclass, field

from django.conf import settings
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
METHODS += ["TRACE", "CONNECT", "get", "GÉT", "X" * 30, "PRI", "G-E_T", "PROPFIND", "G\tET", ""]
KNOBS = ["movies", "round_trip", "cache", "cold", "runs", "ms", "page", "q", "trace", "inspect"]
KNOBS += ["run", "next", "client", "variant", "side", "csrfmiddlewaretoken", "name", "ratio"]
FIELDS = ["action", "number", "turn", "films", "name", "back", "ratio", "low", "high", "movies"]
FIELDS += ["round_trip", "big", "small", "scenario", "workers", "users", "threads", "seconds", "ms"]
FIELDS += ["other_cores", "check_ratio", "check_low", "check_high", "csrfmiddlewaretoken"]
ODD = ["", "0", "1", "3", "-1", "1e3", "nan", "inf", "٣", "½", "1_0", "%00", "%", "%zz", "%ff"]
ODD += ["%C3%28", "%F0%9F%92%A9", "'", '"', "<b>", "../", "..%2f..%2f", "9" * 400, "x" * 2000]
ODD += ["a" * 32, "locmem", "redis", "memcached", "[]", "{}", "null", "&", ";", "=", "+", "%0d%0a"]
ODD += ["%c0%ae%c0%ae", "%ed%a0%80", "%252e%252e", "%u0041", "1e400", "-0", "0x1", " 1 ", "\u202e"]
ODD += [
    "{{ 7 }}",
    "${x}",
    "%s%n",
    "begin",
    "add",
    "1" * 5000,
    "%EF%BB%BF1",
    "1.7976931348623157e308",
]
PLACES = [
    "/",
    "//",
    "%2f",
    "..",
    "%00",
    ";x",
    "?",
    "#x",
    "\\",
    "é",
    "/../..",
    "%2e%2e/",
    "/.",
    "//x",
]
PLACES += ["%c0%ae%c0%ae/", "%5c", "%0d%0aX:%20y", "%ff", "%", "/static/../settings.py", "*", "@x"]
CHARSETS = ["rot13", "utf-16", "utf-7", "hex", "zip", "idna", "cp037", "utf-8-sig", "undefined"]
CHARSETS += ["latin-1", "unicode_escape", "mbcs", "none", "", "utf8", "x" * 200, "shift_jis", "uu"]
HEADERS = {
    "Host": ["127.0.0.1", "evil.example", "", "127.0.0.1:x", "[::1", "a b", "127.0.0.1, b"]
    + [
        "x" * 300,
        "127.0.0.1:99999",
        "127.0.0.1:",
        "@127.0.0.1",
        "[::1]:80",
        "127.0.0.1.",
        "é",
        "-",
    ],
    "Content-Type": ["multipart/form-data", "multipart/form-data; boundary=b", ";", "x" * 500]
    + ["application/x-www-form-urlencoded", "application/json", "a/b; x*=u''a; x*0*=u''b", "=", ","]
    + ["multipart/form-data; boundary=" + "b" * 300, 'multipart/form-data; boundary="', "a/b; ="]
    + [f"text/plain; charset={charset}" for charset in CHARSETS]
    + [f"application/x-www-form-urlencoded; charset={charset}" for charset in CHARSETS],
    "Content-Encoding": ["gzip", "br", "deflate, gzip", "x", "identity", "é"],
    "Cookie": ["sessionid=x", "csrftoken=", "=;=;", "a=b; " * 200, "\xff", "a", ";" * 900]
    + ["perflab_sessionid=a:b:c", "perflab_sessionid=" + "x" * 3000, 'a="b;c', "$Version=1; a=b"]
    + ["perflab_csrftoken=" + "é" * 32, "a=b, c=d", "perflab_sessionid=.eJw:1:x", "messages=x"],
    "Accept-Encoding": ["gzip", "br", "*;q=x", "identity;q=0", "gzip;q=nan", "," * 900],
    "Accept": ["text/html", "application/json", "*/*;q=é", ",", "text/html;q=" + "9" * 400],
    "If-None-Match": ["*", '"x"', "W/", '"' * 300, '"a", ' * 300, 'W/"x'],
    "If-Modified-Since": ["x", "Mon, 99 Foo 2026 25:61:61 GMT", "9" * 100]
    + [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0000 00:00:00 GMT",
    ],
    "If-Range": ['"x"', "x"],
    "Range": [
        "bytes=0-",
        "bytes=-1",
        "bytes=9-1",
        "x=1",
        "bytes=" + "0-," * 100,
        "bytes=-",
        "bytes=",
    ]
    + ["bytes=-0", "bytes=" + "9" * 40 + "-", "bytes=0-" + "9" * 40, "bytes=é-", "bytes=1-2,5-6"],
    "Sec-Fetch-Site": ["same-origin", "cross-site", "x"],
    "Sec-Fetch-Dest": ["document", "iframe", "x"],
    "Sec-Fetch-Mode": ["navigate", "x"],
    "Sec-Purpose": ["prefetch", "x"],
    "X-Forwarded-For": ["1.2.3.4", "x", ""],
    "X-Forwarded-Proto": ["https", "http", "x", "https, http"],
    "X-Forwarded-Host": ["evil.example"],
    "X-Real-IP": ["x"],
    "Forwarded": ["for=x;proto=https", ";;="],
    "Script-Name": ["/x"],
    "Referer": ["http://evil.example/", "x", "http://[::1", "http://[", "é"],
    "Origin": ["null", "http://evil.example", "http://[", "x", "http://127.0.0.1:x"],
    "Expect": ["100-continue", "x", "100-Continue, x", ""],
    "Upgrade": ["websocket", "h2c"],
    "HTTP2-Settings": ["AAMAAABkAARAAAAAAAIAAAAA"],
    "Connection": ["keep-alive", "upgrade", "x, y", "close, keep-alive", "Host", "Content-Length"],
    "X-HTTP-Method-Override": ["DELETE"],
    "Content-Length": ["-1", "x", "1, 2", "9" * 30, "+1", "0x5", "1_0", "٣", "", " 5", "5, 5"],
    "Transfer-Encoding": ["chunked", "gzip", "gzip, chunked", "chunked, chunked", "xchunked", ""]
    + ["identity", "chunked, identity", "Chunked", "\x0bchunked", "chunked;q=1"],
    "Trailer": ["Host", "x"],
    "Accept-Language": ["de", "*", "x" * 300, "de;q=" + "1" * 100, "\xff", "a-" * 200],
    "X-CSRFToken": ["x", "a" * 64, "\xff"],
    "X-Requested-With": ["XMLHttpRequest"],
    "Traceparent": ["00-" + "0" * 32 + "-" + "0" * 16 + "-00", "x"],
    "Authorization": ["Basic x", "Basic " + "é", "Bearer " + "x" * 900],
    "Date": ["x"],
    "Via": ["1.1 x"],
    "Proxy": ["http://evil.example/"],
}
PART = b'--b\r\nContent-Disposition: form-data; name="name"'
BODIES = [b"", b"x", b"name=Ada", b"name=%00&name=%ff", b"\xff\xfe", b"{}", b"[" * 2000]
BODIES += [b"a=b&" * 1200, b"=&=&", b"name=" + b"x" * 70_000, gzip.compress(b"name=Ada"), b"\x00"]
BODIES += [b"--b\r\n\r\n", b"--b--\r\n", b"--b", b"--b\r\nX\r\n\r\nx\r\n--b--\r\n"]
BODIES += [PART + b"\r\n\r\nAda\r\n--b--\r\n", PART + b"\r\n\r\nAda", PART]
BODIES += [b"--b\r\nContent-Disposition: form-data; name*=u''a; name*0*=u''b\r\n\r\nx\r\n--b--\r\n"]
BODIES += [PART + b'; filename="../x"\r\n\r\nx\r\n--b--\r\n', PART + b"; filename*=x''%ff\r\n\r\nx"]
BODIES += [PART + b"; filename*=rot13''x\r\n\r\nx\r\n--b--\r\n", (PART + b"\r\n\r\nx\r\n") * 1100]
BODIES += [
    PART + b"\r\nContent-Transfer-Encoding: " + coding + b"\r\n\r\n" + data + b"\r\n--b--\r\n"
    for coding, data in (
        (b"base64", b"A"),
        (b"base64", b"\xff=="),
        (b"x", b"y"),
        (b"8bit", b"\xff"),
    )
]
BODIES += [PART + b"\r\nContent-Type: text/plain; charset=rot13\r\n\r\nx\r\n--b--\r\n"]
SIZES = [b"5", b"0", b"-1", b"+5", b"0x5", b"5_0", b"F" * 17, b"5;x=y", b"5 ", b" 5", b"", b"\xb2"]
SIZES += [b"5;" + b"x" * 5000, b"G", b"00000005", b"5\x00"]


@dataclass
class Draft:
    """A request that is being made. Headers are a list: a name may come twice."""

    method: str
    target: str
    version: str = "HTTP/1.1"
    headers: list = field(default_factory=list)
    body: bytes = b""
    line_end: bytes = b"\r\n"

    def put(self, name, value):
        """Set a header in place of those of that name."""
        kept = [one for one in self.headers if one[0].lower() != name.lower()]
        self.headers = [*kept, (name, value)]

    def encode(self, charset):
        """Return the bytes of the request."""
        lines = [f"{self.method} {self.target} {self.version}".rstrip(" ")]
        lines += [f"{name}: {value}" for name, value in self.headers]
        head = [line.encode(charset, "replace") for line in lines]
        return self.line_end.join([*head, b"", b""]) + self.body


# What no client should send. Each function changes a draft.


def doubles_a_header(draft, dice):
    name = dice.choice(["Host", "Host", "Content-Length", "Content-Type", "Cookie", "Range", "X"])
    draft.headers.append((name, dice.choice(HEADERS.get(name, ["x"]))))


def distorts_a_header(draft, dice):
    value = dice.choice(
        ["y", "\x00", "y\x00z", "y\x0bz", "\x7f", "y\r\n folded", "y\r\n\tfolded", "y\rz"]
    )
    name = dice.choice(
        ["X", "X ", " X", "", "X_Y", "X\x00", "X:Y", "É", "X(Y)", "x" * 9000, "HTTP_HOST"]
    )
    draft.headers.insert(dice.randrange(len(draft.headers) + 1), (name, value))


def sends_many_headers(draft, dice):
    size = dice.choice([1, 80, 800, 7900])
    draft.headers += [(f"X-{n}", "x" * size) for n in range(dice.choice([50, 99, 120, 500]))]


def chooses_a_version(draft, dice):
    versions = ["HTTP/1.0", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/1", "HTTP/1.1.1"]
    draft.version = dice.choice([*versions, "http/1.1", "HTTP/x.y", "HTTP/9.9", "", "FTP/1.1"])


def sends_an_absolute_address(draft, dice):
    start = ["http://127.0.0.1", "http://evil.example", "https://127.0.0.1:99999", "//evil.example"]
    start += [
        "http://[::1",
        "http://a@b:c",
        "javascript:",
        "*",
        "127.0.0.1:443",
        "http://é",
        "http://",
    ]
    draft.target = dice.choice(start) + dice.choice([draft.target, "", "/"])


def sends_a_huge_query(draft, dice):
    pieces = ["a=b&", "movies=3&", "x" * 9 + "&", "%41&", "&", ";", "é=1&", "a[]=1&", "trace=1&"]
    draft.target += dice.choice("?&") + dice.choice(pieces) * dice.choice([50, 400, 1500])


def sends_raw_bytes(draft, dice):
    draft.target += dice.choice(
        ["?q=\x80\xff", "?q=\x00", "?q= x", "?q=\t", "\x7f", "?\x01", "?q=\xad"]
    )


def sends_chunks(draft, dice):
    draft.put("Transfer-Encoding", "chunked")
    if dice.random() < 0.7:
        draft.headers = [one for one in draft.headers if one[0] != "Content-Length"]
    data = draft.body or b"name="
    size = f"{len(data):x}".encode() if dice.random() < 0.5 else dice.choice(SIZES)
    end = [
        b"0\r\n\r\n",
        b"0\r\n\r\n",
        b"",
        b"0\r\n",
        b"0\r\nHost: x\r\n\r\n",
        b"0\r\n" + b"X: y\r\n" * 300,
    ]
    ends = dice.choice([b"\r\n", b"\r\n", b"\n", b"", b"\r"])
    draft.body = (
        size + b"\r\n" + data + ends + dice.choice([*end, b"0\r\nX\r\n\r\n", b"-0\r\n\r\n"])
    )


def contradicts_its_length(draft, dice):
    length = max(0, len(draft.body) + dice.choice([-3, -1, 1, 5, 100_000]))
    draft.put("Content-Length", str(length))
    if dice.random() < 0.4:
        draft.headers.append(("Transfer-Encoding", dice.choice(HEADERS["Transfer-Encoding"])))


def ends_lines_otherwise(draft, dice):
    draft.line_end = dice.choice([b"\n", b"\r", b"\n\r", b"\r\n\r", b"\r\r\n"])


def sends_two_requests(draft, dice):
    second = Draft(dice.choice(METHODS), draft.target, headers=[("Host", "127.0.0.1")])
    draft.body += second.encode("latin-1") * dice.choice([1, 1, 20])


def packs_its_body(draft, dice):
    draft.put("Content-Encoding", dice.choice(["gzip", "deflate", "br", "gzip, gzip"]))
    draft.body = gzip.compress(draft.body)[: dice.choice([5, 10_000])]
    draft.put("Content-Length", str(len(draft.body)))


DISTORTIONS = [doubles_a_header, distorts_a_header, sends_many_headers, chooses_a_version]
DISTORTIONS += [sends_an_absolute_address, sends_a_huge_query, sends_raw_bytes, sends_chunks]
DISTORTIONS += [contradicts_its_length, ends_lines_otherwise, sends_two_requests, packs_its_body]


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


def assignments(names, dice, counts):
    """Return some of these names with odd values, as a form or a query has them."""
    return "&".join(f"{dice.choice(names)}={dice.choice(ODD)}" for _ in range(dice.choice(counts)))


def send_form(draft, dice):
    """Make a draft a form with a valid token, so that it reaches the view."""
    token = "a" * 32
    draft.method, draft.body = "POST", assignments(FIELDS, dice, [1, 3, 8]).encode()
    draft.put("Cookie", f"{settings.CSRF_COOKIE_NAME}={token}")
    draft.put("X-CSRFToken", token)
    draft.put("Content-Type", "application/x-www-form-urlencoded")
    draft.put("Content-Length", str(len(draft.body)))


def request(routes, dice):
    """Return the bytes of one hostile request."""
    target = fill(dice.choice(routes), dice)
    if dice.random() < 0.1:
        target += dice.choice(PLACES)
    query = assignments(KNOBS, dice, [0, 0, 1, 1, 2, 4])
    draft = Draft(dice.choice(METHODS), target + ("?" + query if query else ""))
    draft.version = f"HTTP/1.{dice.choice('11110')}"
    draft.put("Host", "127.0.0.1")
    for name in dice.sample(list(HEADERS), dice.choice([0, 1, 1, 2, 3, 6])):
        draft.put(name, dice.choice(HEADERS[name]))
    if draft.method in ("POST", "PUT", "PATCH") or dice.random() < 0.05:
        draft.body = dice.choice(BODIES)
        for name, value in (
            ("Content-Type", dice.choice(HEADERS["Content-Type"])),
            ("Content-Length", str(len(draft.body))),
        ):
            if not any(one[0] == name for one in draft.headers):
                draft.put(name, value)
    if dice.random() < 0.1:
        send_form(draft, dice)
    for distort in dice.sample(DISTORTIONS, dice.choice([0, 0, 1, 1, 2])):
        distort(draft, dice)
    found = draft.encode("utf-8" if dice.random() < 0.5 else "latin-1")
    if dice.random() < 0.03:  # a byte of it is another
        place = dice.randrange(len(found))
        found = found[:place] + bytes([dice.randrange(256)]) + found[place + 1 :]
    if dice.random() < 0.03:  # the rest never comes
        found = found[: dice.randrange(len(found))]
    return found


def send(port, data, patience=0):
    """Send the bytes, read all that comes, and return it.

    The client closes its side of the connection when nothing has come for `patience` seconds. To
    nginx, and to the ASGI worker, one that has closed its side has left, and gets no answer.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience or 30) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(data)
        with contextlib.suppress(OSError):
            while patience and not is_whole(answer):
                piece = connection.recv(65536)
                if not piece:
                    return answer
                answer += piece
        if patience and is_whole(answer):
            return answer
        connection.settimeout(30)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


def is_whole(answer):
    """Return whether an answer is there with all of its body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
    if length:
        return len(body) >= int(length[1])
    return b"\r\ntransfer-encoding: chunked" in head.lower() and body.endswith(b"0\r\n\r\n")


def statuses_of(answer):
    """Return the statuses in an answer, or in several that follow each other; none of 1xx."""
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    codes = [line.split(b" ")[1] for line in lines if line.count(b" ")]
    return [int(code) for code in codes if code.isdigit() and not code.startswith(b"1")]


def hostile_requests(count, seed):
    """Yield so many hostile requests, always the same for one seed."""
    dice = random.Random(seed)
    routes = sorted(addresses())
    for _ in range(count):
        yield request(routes, dice)
