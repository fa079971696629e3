"""Odd words for each place of a request: what hostile requests are drawn from."""

import gzip

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
BODIES += [
    b"a=b&" * 1200,
    b"=&=&",
    b"name=" + b"x" * 70_000,
    gzip.compress(b"name=Ada", mtime=0),
    b"\x00",
]
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
