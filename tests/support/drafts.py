"""Requests that are being made, and ways to make one as no client should send it."""

import gzip
from dataclasses import dataclass, field

from tests.support.odd_words import HEADERS, METHODS, SIZES


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
    draft.body = gzip.compress(draft.body, mtime=0)[: dice.choice([5, 10_000])]
    draft.put("Content-Length", str(len(draft.body)))


DISTORTIONS = [doubles_a_header, distorts_a_header, sends_many_headers, chooses_a_version]
DISTORTIONS += [sends_an_absolute_address, sends_a_huge_query, sends_raw_bytes, sends_chunks]
DISTORTIONS += [contradicts_its_length, ends_lines_otherwise, sends_two_requests, packs_its_body]
